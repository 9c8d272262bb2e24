import * as O from "../../opcode.ts";
import { type Env, type InsnAux, type KInsn, subprogCount } from "../env.ts";
import { VerifierError } from "../error.ts";
import { helperSymbol, shortName } from "../helpers.ts";
import { patchInsns } from "../patch.ts";
import { inlineCast } from "./casts.ts";
import { guardDivision } from "./div-mod.ts";
import { appendExceptionCallback } from "./exceptions.ts";
import { inlineHelper } from "./inline-helpers.ts";
import { expandLdAbs } from "./ld-abs.ts";
import { callMapOps } from "./map-ops.ts";
import { expandMayGoto, initMayGoto, mayGotoStack } from "./may-goto.ts";
import { expandTailCall } from "./tail-call.ts";

/** Calls of helpers and kernel functions by name. */
function nameCall(env: Env, insn: KInsn, aux: InsnAux): KInsn[] | null {
  if (insn.code !== O.CALL || insn.src === O.BPF_PSEUDO_CALL || insn.callee) return null;
  const name = shortName(insn.imm);
  if (!name) throw new VerifierError(aux.origin, `invalid func unknown#${insn.imm}`);
  return [{ ...insn, imm: 0, callee: helperSymbol(name, env.program.type, env.kernel) }];
}

/** do_misc_fixups(): one pass; each instruction goes to the first rewrite that knows it. */
export function fixUp(env: Env): void {
  appendExceptionCallback(env);
  const patches = new Map<number, KInsn[]>();
  for (let f = 0; f < subprogCount(env); f++) {
    const subprog = env.subprogs[f];
    let extra = 0;
    for (let i = subprog.start; i < env.subprogs[f + 1].start; i++) {
      const insn = env.insns[i];
      const aux = env.aux[i];
      const mayGoto = expandMayGoto(env, insn, subprog.stackDepth);
      if (mayGoto) extra = mayGotoStack(env);
      const patch =
        mayGoto ??
        guardDivision(env, insn) ??
        expandLdAbs(env, insn) ??
        expandTailCall(env, insn, aux) ??
        callMapOps(env, insn, aux) ??
        inlineHelper(env, insn) ??
        inlineCast(env, insn) ??
        nameCall(env, insn, aux);
      if (insn.code === O.LD_IMM64) i++;
      if (patch) patches.set(i, patch);
    }
    subprog.stackExtra = extra;
    subprog.stackDepth += extra;
  }
  patchInsns(env, patches);
  initMayGoto(env);
}
