import { endbr64, nops } from "../encode/control.ts";
import { opRegGs } from "../encode/memory.ts";
import type { Fn } from "../fn.ts";
import { R9, R12 } from "../regs.ts";
import { cfiPreamble, functionType } from "./cfi.ts";
import { loadImm64 } from "./move.ts";
import { cachePacket } from "./packet.ts";
import { PATCH_SIZE } from "./tail-call.ts";

/** Guard words around a private stack, in bytes (PRIV_STACK_GUARD_SZ). */
const PRIV_STACK_GUARD = 8;

/** Everything before the first BPF instruction (emit_prologue and what do_jit puts behind it). */
export function prologue(f: Fn): void {
  const { c, input } = f;
  const { cfi, ibt, patchSite, skbLoads } = f.profile.features;
  if (cfi) cfiPreamble(f, cfi, functionType(cfi, input.isSubprog));
  else if (ibt) {
    c.note("callers enter");
    endbr64(c);
  }
  if (patchSite) {
    c.note("patch site of trampolines");
    nops(c, PATCH_SIZE); // 0f 1f 44 00 00
  }
  f.frame.make(f);
  if (skbLoads && f.loadsPacket) cachePacket(f);
  if (input.arena) loadImm64(f, R12, input.arena.kernel);
  if (input.privateStack !== undefined) privateFrame(f, input.privateStack);
}

/** r9 = this CPU's private stack, past its guard, at the top */
function privateFrame(f: Fn, pointer: bigint): void {
  const top = pointer + BigInt(PRIV_STACK_GUARD + ((f.input.stackDepth + 7) & ~7));
  f.c.note("private stack");
  loadImm64(f, R9, top);
  opRegGs(f.c, 0x03, R9, Number(BigInt.asIntN(32, f.symbol("this_cpu_off")))); // 65 4c 03 0c 25
}
