import { endbr64, nops, pop, push, subRsp } from "../encode/control.ts";
import { opRegGs } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { CALLEE_SAVED, R9, R12, RBP, RDX, REG_NAMES, RSI, RSP } from "../regs.ts";
import { loadImm64 } from "./move.ts";
import { PATCH_SIZE } from "./tail-call.ts";

/** Guard words around a private stack, in bytes (PRIV_STACK_GUARD_SZ). */
const PRIV_STACK_GUARD = 8;

/** Everything before the first BPF instruction (emit_prologue and what do_jit puts behind it). */
export function prologue(f: Fn): void {
  const { c, input } = f;
  if (f.profile.features.ibt) endbr64(c);
  c.note("patch site of trampolines");
  nops(c, PATCH_SIZE); // 0f 1f 44 00 00
  if (!input.classic) f.design.enter(f);
  if (input.exceptionCallback) exceptionFrame(f);
  else {
    push(c, RBP); // 55
    movRegReg(c, true, RBP, RSP); // 48 89 e5
  }
  if (f.profile.features.ibt) endbr64(c);
  if (f.depth) {
    c.note(`BPF stack, ${input.stackDepth} bytes used`);
    subRsp(c, f.depth); // 48 81 ec
  }
  if (input.tailCallReachable) f.design.keep(f);
  for (const reg of f.saved) {
    push(c, reg);
    f.slots.push({ kind: "saved", name: REG_NAMES[reg] });
  }
  if (input.arena) loadImm64(f, R12, input.arena.kernel);
  if (input.privateStack !== undefined) privateFrame(f, input.privateStack);
}

/**
 * The exception callback runs on the main program's frame: rsi is its rsp, rdx its rbp; registers that the main program
 * saved are restored first.
 */
function exceptionFrame(f: Fn): void {
  const { c } = f;
  movRegReg(c, true, RSP, RSI); // 48 89 f4
  movRegReg(c, true, RBP, RDX); // 48 89 d5
  for (let i = CALLEE_SAVED.length - 1; i >= 0; i--) pop(c, CALLEE_SAVED[i]);
  pop(c, R12);
  movRegReg(c, true, RSP, RBP); // 48 89 ec
}

/** r9 = this CPU's private stack, past its guard, at the top */
function privateFrame(f: Fn, pointer: bigint): void {
  const top = pointer + BigInt(PRIV_STACK_GUARD + ((f.input.stackDepth + 7) & ~7));
  f.c.note("private stack");
  loadImm64(f, R9, top);
  opRegGs(f.c, 0x03, R9, Number(BigInt.asIntN(32, f.symbol("this_cpu_off")))); // 65 4c 03 0c 25
}
