import * as O from "../../opcode.ts";
import { isMayGoto } from "../cfg.ts";
import type { Env, KInsn } from "../env.ts";
import { alu64, call, FP, jmp, ldx, mov64, st, stx } from "../insns.ts";
import { moveJumpTarget, patchInsns } from "../patch.ts";

const BPF_MAX_LOOPS = 8 * 1024 * 1024;
const BPF_MAX_TIMED_LOOPS = 0xffff;

/** Bytes of stack that may_goto takes of its function: a count, with timing also the start time. */
export const mayGotoStack = (env: Env): number => (env.kernel.mayGoto === "timed" ? 16 : 8);

/** may_goto: counts down on the stack, leaves at 0. Timed (6.15): at the end of a count the clock decides whether there is another. */
export function expandMayGoto(env: Env, insn: KInsn, stackDepth: number): KInsn[] | null {
  if (!isMayGoto(insn.code)) return null;
  const AX = env.kernel.regAx;
  const slot = -stackDepth - mayGotoStack(env);
  const timed = env.kernel.mayGoto === "timed";
  const added = timed ? 5 : 2;
  const leave = jmp(O.BPF_JEQ, AX, 0, insn.off >= 0 ? insn.off + added : insn.off - 1);
  const head = [ldx(O.BPF_DW, AX, FP, slot), leave, alu64(O.BPF_SUB, AX, 1)];
  const put = stx(O.BPF_DW, FP, AX, slot);
  if (!timed) return [...head, put];
  return [...head, jmp(O.BPF_JNE, AX, 0, 2), mov64(AX, slot), call("arch_bpf_timed_may_goto"), put];
}

/** The function's first instructions set the count; jumps to its start stay behind them. */
export function initMayGoto(env: Env): void {
  const patches = new Map<number, KInsn[]>();
  let added = 0;
  for (let f = 0; f + 1 < env.subprogs.length; f++) {
    const { start, stackDepth, stackExtra } = env.subprogs[f];
    if (!stackExtra) continue;
    const init =
      env.kernel.mayGoto === "timed"
        ? [st(O.BPF_DW, FP, -stackDepth, BPF_MAX_TIMED_LOOPS), st(O.BPF_DW, FP, -stackDepth + 8, 0)]
        : [st(O.BPF_DW, FP, -stackDepth, BPF_MAX_LOOPS)];
    patches.set(start, [...init, env.insns[start]]);
    added = init.length;
  }
  patchInsns(env, patches);
  for (const { start, stackExtra } of env.subprogs) if (stackExtra) moveJumpTarget(env, start, added);
}
