import type { Insn } from "../../../bpf/insn.ts";
import { BPF_HELPER_CALL, BPF_PSEUDO_CALL } from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import { type Emitter, relative } from "../emitter.ts";
import { call, pop, push } from "../encode/control.ts";
import { loadGs } from "../encode/memory.ts";
import type { Fn } from "../fn.ts";
import { R9, RAX } from "../regs.ts";
import { callAroundPacket } from "./packet.ts";

/** CALL of a helper, a kfunc or a BPF function. */
export function lowerCall(f: Fn, insn: Insn, slot: number): void {
  const target = f.input.calls.get(slot);
  if (target === undefined) throw new JitError(`${f.input.name}: nothing to call`, slot);
  if (insn.src === BPF_HELPER_CALL && inlineHelper(f, target)) return;
  const callee = insn.src === BPF_PSEUDO_CALL ? "bpf" : "kernel";
  if (f.input.tailCallReachable) f.design.beforeCall?.(f, callee);
  const keepsR9 = f.input.privateStack !== undefined;
  if (keepsR9) push(f.c, R9); // 41 51
  if (f.loadsPacket && f.profile.features.skbLoads) callAroundPacket(f, target);
  else f.lower.emitCall(f, target);
  if (keepsR9) pop(f.c, R9); // 41 59
  if (f.input.tailCallReachable) f.design.afterCall?.(f, callee);
}

/** A helper that is written out (bpf_jit_inlines_helper_call): touches nothing but rax. */
function inlineHelper(f: Fn, target: bigint): boolean {
  const inlined = f.profile.inlines?.find(({ helper }) => f.symbol(helper) === target);
  if (!inlined) return false;
  f.c.note(inlined.helper);
  loadGs(f.c, inlined.size, RAX, Number(BigInt.asIntN(32, f.symbol(inlined.variable)))); // 65 8b 04 25
  return true;
}

/** call rel32, with the return stack accounted for where the CPU needs it */
export function emitCall(e: Emitter, target: bigint): void {
  if (!e.thunks.has(target)) accountDepth(e);
  call(e.c, relative(e, target));
}

/** sarq $5, gs:pcpu_hot.call_depth(%rip) (x86_call_depth_emit_accounting) */
export function accountDepth(e: Emitter): void {
  const symbol = e.profile.features.callDepth;
  if (!symbol) return;
  const { c } = e;
  c.note("call depth accounting");
  const rel = c.final ? Number(BigInt.asIntN(32, e.symbol(symbol) - (e.base + BigInt(c.pos + 9)))) : 0;
  c.insn();
  c.u32(0x3dc14865); // 65 48 c1 3d
  c.u32(rel);
  c.u8(5);
}
