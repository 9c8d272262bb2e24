import type { Env } from "../env.ts";
import { NOP } from "../insns.ts";

/** In the RFC, a call whose pairs are not all below the slots' end keeps them. */
function isBelow(env: Env, at: number, pairs: number, end: number): boolean {
  for (let i = 1; i <= pairs; i++) if (env.insns[at - i].off >= end || env.insns[at + i].off >= end) return false;
  return true;
}

/** remove_fastcall_spills_fills(): the pairs become no-ops, and the stack that only they used is given back. */
export function removeFastcallSpills(env: Env): void {
  const { era, without } = env.kernel.fastcall!;
  env.subprogs.slice(0, -1).forEach((subprog, f) => {
    const { start, fastcallStackOff } = subprog;
    let modified = false;
    for (let at = start; at < env.subprogs[f + 1].start; at++) {
      const pairs = env.aux[at].fastcallSpills;
      if (pairs === 0 || (era === "rfc" && !isBelow(env, at, pairs, fastcallStackOff))) continue;
      for (let i = 1; i <= pairs; i++) {
        env.insns[at - i] = { ...NOP };
        env.insns[at + i] = { ...NOP };
      }
      env.spillsRemoved.push({ call: env.aux[at].origin, pairs });
      modified = true;
    }
    const keep = era === "rfc" || (subprog.keepFastcallStack && without !== "keep");
    if (modified && !keep) subprog.stackDepth = -fastcallStackOff;
  });
}
