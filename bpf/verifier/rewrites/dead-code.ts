import { isConditional, isMayGoto } from "../cfg.ts";
import type { Env, KInsn } from "../env.ts";
import { ja, NOP } from "../insns.ts";
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
  const runs: { at: number; count: number }[] = [];
  env.aux.forEach(({ seen }, at) => {
    if (seen) return;
    const last = runs[runs.length - 1];
    if (last && last.at + last.count === at) last.count++;
    else runs.push({ at, count: 1 });
  });
  removeInsns(env, runs);
}

/** opt_remove_nops(): takes out jumps to the next instruction, where the kernel knows how also may_goto to it. */
export function removeNops(env: Env): void {
  const { insns, kernel } = env;
  const removed: number[] = [];
  const kept: number[] = [];
  insns.forEach((_, i) => {
    for (let at: number | undefined = i; at !== undefined; ) {
      const { code, off }: KInsn = insns[at];
      // all that it jumps over is gone
      const nothing = off === 0 || (off > 0 && at + off <= i);
      const mayGoto: boolean = kernel.removeMayGoto0 && isMayGoto(code);
      if (!nothing || !(mayGoto || code === NOP.code)) {
        kept.push(at);
        return;
      }
      removed.push(at);
      // a may_goto before this one may have come to nothing with it
      at = mayGoto ? kept.pop() : undefined;
    }
  });
  removed.sort((a, b) => a - b);
  removeInsns(
    env,
    removed.map((at) => ({ at, count: 1 })),
  );
}
