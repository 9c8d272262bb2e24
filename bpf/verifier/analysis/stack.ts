import * as O from "../../opcode.ts";
import type { KInsn } from "../env.ts";
import { checkFastcallContract } from "../fastcall/index.ts";
import { markPrecise, markRead } from "./precision.ts";
import { isPointer, type Reg, scalarReg } from "./reg.ts";
import { auxAt, fail, frame, insnAt, linkForCopy, type Run } from "./run.ts";
import { isConstant, isZero } from "./scalar/domain.ts";
import { EMPTY_SLOT, type Frame, INVALID, isSpilled, MISC, type Slot, SPILL, spillSize, ZERO } from "./state.ts";

const MAX_STACK = 512;
/** Bytes below MAX_STACK that spills may use which will be gone: one slot for each of R0 to R5. */
const FASTCALL_ROOM = 48;
const indexOf = (off: number): number => (-off - 1) >> 3;
const byteOf = (off: number): number => (-off - 1) & 7;
const slotAt = (f: Frame, off: number): Slot => f.stack[indexOf(off)] ?? EMPTY_SLOT;
const typeAt = (f: Frame, off: number): number => slotAt(f, off).types[byteOf(off)];
const width = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);

/** Frame a stack pointer points into, and the lowest and highest offset it may have, access not counted. */
export interface StackRange {
  f: Frame;
  min: number;
  max: number;
}

/** check_stack_access_within_bounds(): also counts the depth of the frame's function. */
export function stackRange(run: Run, ptr: Reg, off: number, size: number, write: boolean): StackRange {
  const f = run.state.frames[ptr.frame];
  const { value } = ptr;
  const fixed = isConstant(value);
  if (!fixed && (value.smax >= 1n << 29n || value.smin <= -(1n << 29n)))
    fail(run, `invalid unbounded variable-offset ${write ? "write to" : "read from"} stack`);
  const min = Number(fixed ? BigInt.asIntN(64, value.varOff.value) : value.smin) + ptr.off + off;
  const max = Number(fixed ? BigInt.asIntN(64, value.varOff.value) : value.smax) + ptr.off + off;
  const { allowUninitStack, stackDepthInSlots } = run.env.kernel;
  const room = auxAt(run).fastcallPattern && run.env.kernel.fastcall?.era === "merged" ? FASTCALL_ROOM : 0;
  const lowest = write || allowUninitStack ? -MAX_STACK - room : -8 * f.stack.length;
  if (min < lowest || min > -1 || max + size > 0)
    fail(run, `invalid ${write ? "write to" : "read from"} stack off=${min} size=${size}`);
  const s = run.env.subprogs[f.subprog];
  const used = stackDepthInSlots ? (-min + 7) & ~7 : -min;
  s.stackDepth = Math.max(s.stackDepth, used);
  return { f, min, max };
}

function setSlot(f: Frame, index: number, slot: Slot): void {
  while (f.stack.length <= index) f.stack.push(EMPTY_SLOT);
  f.stack[index] = slot;
}

/** save_register_state: a spill of `size` bytes; what it does not cover of the slot is data. */
function spill(run: Run, f: Frame, off: number, reg: Reg, size: number): void {
  const old = slotAt(f, off);
  const { spillsAllScalars } = run.env.kernel;
  const types = old.types.map((t, i) => {
    if (i >= 8 - size) return SPILL;
    return t === INVALID || (spillsAllScalars && t === ZERO) ? t : MISC;
  });
  setSlot(f, indexOf(off), { types, reg, live: size === 8 ? null : old.live });
}

/** Data, or zeros, over `size` bytes; a spill that lay there is data from now on. */
function writeBytes(f: Frame, off: number, size: number, type: number): void {
  const old = slotAt(f, off);
  const types = old.types.map((t) => (isSpilled(old) && t !== INVALID ? MISC : t));
  for (let i = 0; i < size; i++) types[byteOf(off) - i] = type;
  setSlot(f, indexOf(off), { types, reg: null, live: size === 8 ? null : old.live });
}

const isBounded = (r: Reg, run: Run): boolean => {
  const { unknown } = run.S;
  const v = r.value;
  return !(
    v.varOff.mask === unknown.varOff.mask &&
    v.umin === unknown.umin &&
    v.umax === unknown.umax &&
    v.smin === unknown.smin &&
    v.smax === unknown.smax &&
    v.u32min === unknown.u32min &&
    v.u32max === unknown.u32max &&
    v.s32min === unknown.s32min &&
    v.s32max === unknown.s32max
  );
};

/** The spilled value of a scalar store, null when it is stored as data. */
function spilledScalar(run: Run, insn: KInsn, reg: Reg | null, valueReg: number, size: number): Reg | null {
  const all = run.env.kernel.spillsAllScalars;
  if (!reg) {
    const immediate = O.classOf(insn.code) === O.BPF_ST;
    return immediate && (all || insn.imm !== 0) ? scalarReg(run.S.constant(BigInt(insn.imm))) : null;
  }
  if (reg.type !== "scalar") return null;
  const fits = width(reg.value.umax) <= 8 * size;
  if (!all) {
    if (!isBounded(reg, run) || isZero(reg.value)) return null;
    if (insn.dst !== 10) markPrecise(reg.dep);
    return fits ? reg : { ...reg, id: 0 };
  }
  if (!fits) return { ...reg, id: 0 };
  const linked = linkForCopy(run, reg);
  frame(run).regs[valueReg] = linked;
  return linked;
}

/** check_stack_write(): register `valueReg` (-1: an immediate or something unknown) to stack. */
export function stackWrite(run: Run, ptr: Reg, off: number, size: number, valueReg: number): void {
  const { f, min, max } = stackRange(run, ptr, off, size, true);
  const insn = insnAt(run);
  checkFastcallContract(run, f, min, "write");
  const reg = valueReg >= 0 ? frame(run).regs[valueReg] : null;
  const zero = reg ? reg.type === "scalar" && isZero(reg.value) : O.classOf(insn.code) === O.BPF_ST && insn.imm === 0;
  if (min !== max) return writeVariable(f, min, max + size, zero, reg);
  const spilled = min % 8 === 0 ? spilledScalar(run, insn, reg, valueReg, size) : null;
  if (spilled) return spill(run, f, min, spilled, size);
  if (reg && isPointer(reg)) {
    if (size !== 8) fail(run, "invalid size of register spill");
    if (f !== frame(run) && reg.type === "stack")
      fail(run, "cannot spill pointers to stack into stack frame of the caller");
    return spill(run, f, min, reg, 8);
  }
  if (zero) markPrecise(reg?.dep ?? null);
  writeBytes(f, min, size, zero ? ZERO : MISC);
}

/** Any byte of [from, to) may be written. */
function writeVariable(f: Frame, from: number, to: number, zero: boolean, reg: Reg | null): void {
  let used = false;
  for (let off = from; off < to; off++) {
    const old = slotAt(f, off);
    if (zero && isSpilled(old) && old.reg.type === "scalar" && isZero(old.reg.value)) {
      used = true;
      continue;
    }
    const keepsZero = zero && typeAt(f, off) === ZERO;
    used ||= keepsZero;
    writeBytes(f, off, 1, keepsZero ? ZERO : MISC);
  }
  if (used) markPrecise(reg?.dep ?? null);
}

/** Value of a load from bytes that are no spill as a whole. */
function readBytes(run: Run, f: Frame, from: number, to: number): Reg {
  let zeros = 0;
  for (let off = from; off < to; off++) {
    const type = typeAt(f, off);
    if (type === ZERO) zeros++;
    else if (type === INVALID && !run.env.kernel.allowUninitStack)
      fail(run, `invalid read from stack off ${from}+${off - from} size ${to - from}`);
  }
  return scalarReg(zeros === to - from ? run.S.constant(0n) : run.S.unknown);
}

/** What a fixed load gives; the caller cuts scalars to the size. */
function readFixed(run: Run, f: Frame, off: number, size: number): Reg {
  const slot = slotAt(f, off);
  markRead(slot.live);
  if (!isSpilled(slot)) return readBytes(run, f, off, off + size);
  const { reg } = slot;
  const covers = spillSize(slot);
  if (size === 8 && covers === 8) return reg;
  if (reg.type !== "scalar") return fail(run, "invalid size of register fill");
  if (run.env.kernel.spillsAllScalars) {
    if (size <= covers && off % 8 === 0)
      return width(reg.value.umax) > 8 * size ? { ...reg, id: 0, delta: 0, addConst: 0 } : reg;
    const inSpill = Array.from({ length: size }, (_, i) => typeAt(f, off + i)).every((t) => t === SPILL);
    if (inSpill && isZero(reg.value)) return scalarReg(run.S.constant(0n), reg.dep);
    return readBytes(run, f, off, off + size);
  }
  if (off % 8 === 0 && size === covers) return reg;
  for (let i = 0; i < size; i++)
    if (typeAt(f, off + i) === INVALID && !run.env.kernel.allowUninitStack)
      fail(run, `invalid read from stack off ${off}+${i} size ${size}`);
  return scalarReg(run.S.unknown);
}

/** check_stack_read() */
export function stackRead(run: Run, ptr: Reg, off: number, size: number): Reg {
  const { f, min, max } = stackRange(run, ptr, off, size, false);
  if (min === max) {
    checkFastcallContract(run, f, min, "read-fixed");
    return readFixed(run, f, min, size);
  }
  checkStackBytes(run, f, min, max + size, false);
  checkFastcallContract(run, f, min, "read-variable");
  return readBytes(run, f, min, max + size);
}

/** check_stack_range_initialized(): memory that is handed on. `clobber`: what was known about it is forgotten. */
export function checkStackBytes(run: Run, f: Frame, from: number, to: number, clobber: boolean): void {
  for (let off = from; off < to; off++) {
    const slot = slotAt(f, off);
    markRead(slot.live);
    const type = typeAt(f, off);
    if (type === INVALID && !run.env.kernel.allowUninitStack)
      fail(run, `invalid read from stack off ${from}+${off - from} size ${to - from}`);
    if (!clobber || type === MISC) continue;
    if (isSpilled(slot)) {
      const types = slot.types.map((t) => (t === INVALID ? t : MISC));
      setSlot(f, indexOf(off), { ...slot, types, reg: null });
    } else {
      const types = slot.types.slice();
      types[byteOf(off)] = MISC;
      setSlot(f, indexOf(off), { ...slot, types });
    }
  }
}

/** Stack that a helper reads (it must be initialized), only writes, or may write to as far as it likes. */
export function stackArgument(run: Run, ptr: Reg, size: number, mode: "read" | "write" | "partial"): void {
  const { f, min, max } = stackRange(run, ptr, 0, size, mode !== "read");
  checkFastcallContract(run, f, min, mode === "write" && min === max ? "write" : "helper");
  if (mode !== "read" && min === max) {
    for (let i = 0; i < size; i++) writeBytes(f, min + i, 1, MISC);
    return;
  }
  checkStackBytes(run, f, min, max + size, mode !== "read" || !run.env.kernel.helperReadsKeepStack);
}

/** get_constant_map_key(): the constant a map key on the stack holds, -1n when it is not known. */
export function constantKey(run: Run, ptr: Reg, size: number): bigint {
  if (ptr.type !== "stack" || !isConstant(ptr.value)) return -1n;
  const f = run.state.frames[ptr.frame];
  const off = ptr.off + Number(BigInt.asIntN(64, ptr.value.varOff.value));
  const slot = slotAt(f, off);
  let at = byteOf(off);
  let zeros = 0;
  while (at - zeros >= 0 && slot.types[at - zeros] === ZERO) zeros++;
  if (zeros >= size) return 0n;
  if (!isSpilled(slot) || slot.reg.type !== "scalar") return -1n;
  let spilled = 0;
  for (; at >= 0 && slot.types[at] === SPILL; at--) spilled++;
  if (spilled !== size || !isConstant(slot.reg.value)) return -1n;
  markPrecise(slot.reg.dep);
  return slot.reg.value.varOff.value;
}
