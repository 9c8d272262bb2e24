import * as O from "../../opcode.ts";
import type { Env, Subprog } from "../env.ts";
import { isPair, isSpill } from "./pair.ts";
import { type CallSummary, callSummary } from "./summary.ts";

/** Pairs around one call at most: R0 to R5. */
const CALLER_SAVED_REGS = 6;
const ANY_REGISTER = 0x7ff;

/** Pairs of a call, outwards from it: how many there are, and the offset at which their slots end. */
function findPairs(env: Env, at: number, { spared }: CallSummary, lowest: number): { pairs: number; end: number } {
  const { insns, aux, kernel } = env;
  const { era, without, strict } = kernel.fastcall!;
  let registers = without === "spared" ? ANY_REGISTER : spared;
  let off = era === "rfc" ? 0 : lowest;
  let pairs = 0;
  for (; pairs < CALLER_SAVED_REGS; pairs++, off += 8) {
    const [before, after] = [at - pairs - 1, at + pairs + 1];
    const [stx, ldx] = [insns[before], insns[after]];
    if (!stx || !ldx) break;
    // in the RFC any slot may be the first
    if (era === "rfc" && off === 0) off = stx.off % 8 === 0 ? stx.off : -1;
    if (!isPair(env, stx, ldx, registers, off)) break;
    if (strict && (aux[before + 1].jumpTarget || aux[after].jumpTarget)) break;
    registers &= ~(1 << stx.src);
  }
  return { pairs, end: off };
}

/** mark_fastcall_pattern_for_call(): where the slots of the call's pairs end; undefined: it has none. */
function markCall(env: Env, subprog: Subprog, at: number, lowest: number): number | undefined {
  const summary = callSummary(env, env.insns[at]);
  if (!summary || (env.kernel.fastcall!.era === "rfc" && !summary.fastcall)) return undefined;
  const { pairs, end } = findPairs(env, at, summary, lowest);
  if (pairs === 0) return undefined;
  for (let i = 1; i <= pairs; i++) env.aux[at - i].fastcallPattern = env.aux[at + i].fastcallPattern = true;
  if (summary.fastcall) env.aux[at].fastcallSpills = pairs;
  else subprog.keepFastcallStack = true;
  return end;
}

/** mark_fastcall_patterns(): finds pairs, and where in each function's stack their slots end. */
export function markFastcallPatterns(env: Env): void {
  const { strict, without } = env.kernel.fastcall!;
  env.subprogs.slice(0, -1).forEach((subprog, f) => {
    const { start } = subprog;
    const code = env.insns.slice(start, env.subprogs[f + 1].start);
    const lowest = Math.min(0, ...code.filter((insn) => isSpill(insn, without)).map(({ off }) => off));
    const ends = code.flatMap(({ code }, i) =>
      code === O.CALL ? (markCall(env, subprog, start + i, lowest) ?? []) : [],
    );
    // where calls have pairs of different number, this leaves the slots of the greater one unwatched
    subprog.fastcallStackOff = Math.min(0, ...(strict && ends.length ? [Math.max(...ends)] : ends));
  });
}
