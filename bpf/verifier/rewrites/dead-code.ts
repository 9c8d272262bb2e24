import * as O from "../../opcode.ts";
import { isConditional } from "../cfg.ts";
import type { Env } from "../env.ts";
import { isNop, ja } from "../insns.ts";
import { removeInsns } from "../patch.ts";

/** opt_hard_wire_dead_code_branches(): a branch that only ever went one way becomes a jump. */
export function hardWireDeadBranches(env: Env): void {
  env.insns.forEach((insn, i) => {
    if (!isConditional(insn.code)) return;
    if (!env.aux[i + 1].seen) env.insns[i] = ja(insn.off);
    else if (!env.aux[i + 1 + insn.off].seen) env.insns[i] = ja(0);
  });
}

/** opt_remove_dead_code(): takes out what no path reached. */
export function removeDeadCode(env: Env): void {
  for (let i = 0; i < env.insns.length; i++) {
    let n = 0;
    while (i + n < env.insns.length && !env.aux[i + n].seen) n++;
    if (n) removeInsns(env, i, n);
  }
}

/** opt_remove_nops(): takes out jumps to the next instruction, where the kernel knows how also may_goto to it. */
export function removeNops(env: Env): void {
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insns[i];
    const mayGoto0 = env.kernel.removeMayGoto0 && insn.code === (O.BPF_JMP | O.BPF_JCOND) && insn.off === 0;
    if (!mayGoto0 && !isNop(insn)) continue;
    removeInsns(env, i, 1);
    // a may_goto before it may have become one to the next instruction
    i -= mayGoto0 && i > 0 ? 2 : 1;
  }
}
