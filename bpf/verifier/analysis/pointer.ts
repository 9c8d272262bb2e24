import * as O from "../../opcode.ts";
import type { KInsn } from "../env.ts";
import { markPrecise } from "./precision.ts";
import { isPacketPointer, isPointer, type Reg, typeName } from "./reg.ts";
import { fail, nextId, put, putUnknown, type Run } from "./run.ts";
import type { Scalar } from "./scalar/domain.ts";

const MAX_VAR_OFF = 1n << 29n;

/** check_reg_sane_offset */
function checkOffset(run: Run, value: Scalar, name: string): void {
  const { smin } = value;
  if (smin === -(1n << 63n))
    fail(run, `math between ${name} pointer and register with unbounded min value is not allowed`);
  if (smin >= MAX_VAR_OFF || smin <= -MAX_VAR_OFF) fail(run, `value ${smin} makes ${name} pointer be out of bounds`);
}

function checkArithmetic(run: Run, insn: KInsn, ptr: Reg, off: Reg): void {
  const op = O.opOf(insn.code);
  const name = typeName(ptr);
  if (O.classOf(insn.code) !== O.BPF_ALU64) fail(run, `R${insn.dst} 32-bit pointer arithmetic prohibited`);
  if (ptr.maybeNull) fail(run, `R${insn.dst} pointer arithmetic on ${name} prohibited, null-check it first`);
  const fixed = ptr.type === "map_ptr" || ptr.type === "packet_end" || ptr.type === "sock_common";
  const nothing = off.value.varOff.mask === 0n && off.value.varOff.value === 0n && op === O.BPF_ADD;
  if (fixed && !(ptr.type === "map_ptr" && nothing)) fail(run, `R${insn.dst} pointer arithmetic on ${name} prohibited`);
  if (op === O.BPF_AND || op === O.BPF_OR || op === O.BPF_XOR)
    fail(run, `R${insn.dst} bitwise operator on pointer prohibited`);
  if (op !== O.BPF_ADD && op !== O.BPF_SUB) fail(run, `R${insn.dst} pointer arithmetic with this operator prohibited`);
}

/** Pointers combined: adjust_ptr_min_max_vals(), for programs that may leak pointers. */
export function pointerArithmetic(run: Run, insn: KInsn, dst: Reg, src: Reg): void {
  const op = O.opOf(insn.code);
  const sub = op === O.BPF_SUB;
  if (isPointer(dst) && isPointer(src)) {
    if (!sub) fail(run, `R${insn.dst} pointer arithmetic on two pointers prohibited`);
    return putUnknown(run, insn.dst);
  }
  const [ptr, off] = isPointer(dst) ? [dst, src] : [src, dst];
  markPrecise(off.dep);
  if (O.classOf(insn.code) !== O.BPF_ALU64 && sub) return putUnknown(run, insn.dst);
  checkArithmetic(run, insn, ptr, off);
  checkOffset(run, off.value, typeName(ptr));
  checkOffset(run, ptr.value, typeName(ptr));
  if (sub && ptr !== dst) fail(run, `R${insn.dst} tried to subtract pointer from scalar`);
  if (sub && ptr.type === "stack") fail(run, `R${insn.dst} subtraction from stack pointer prohibited`);
  if (off.value.varOff.mask === 0n) {
    const by = sub ? -off.value.smin : off.value.smin;
    const sum = BigInt(ptr.off) + by;
    if (sum >= MAX_VAR_OFF || sum <= -MAX_VAR_OFF) fail(run, `${typeName(ptr)} pointer offset ${sum} is not allowed`);
    return put(run, insn.dst, { ...ptr, off: Number(sum), range: ptr.range < 0 ? 0 : ptr.range });
  }
  const value = run.S.pointerAdd(ptr.value, off.value, sub);
  checkOffset(run, value, typeName(ptr));
  const moved = isPacketPointer(ptr)
    ? { id: nextId(run), range: sub && off.value.smin >= 0n ? ptr.range : 0 }
    : { id: ptr.id };
  put(run, insn.dst, { ...ptr, value, ...moved });
}
