import type { Insn } from "../../../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
  classOf,
  isX,
  opOf,
} from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import {
  ADD,
  AND,
  cmove,
  NEG,
  OR,
  opRegImm,
  opRegReg,
  type RegOp,
  ROL,
  SHL,
  SUB,
  shiftImm,
  TEST,
  unary,
  XOR,
} from "../encode/alu.ts";
import { opRegGs } from "../encode/memory.ts";
import { movRegReg, movsx } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX } from "../regs.ts";
import { byteSwap, zeroExtend } from "./byte-order.ts";
import { divide } from "./divide.ts";
import { loadImm32, move } from "./move.ts";
import { multiply } from "./multiply.ts";
import { shiftByImm, shiftByReg } from "./shift.ts";

const REG_OPS: Record<number, RegOp> = {
  [BPF_ADD]: ADD,
  [BPF_SUB]: SUB,
  [BPF_AND]: AND,
  [BPF_OR]: OR,
  [BPF_XOR]: XOR,
};

/** BPF_ALU and BPF_ALU64. dst and src are x86 registers. */
export function lowerAlu(f: Fn, insn: Insn, dst: number, src: number, slot: number): void {
  const { c } = f;
  const w = classOf(insn.code) === BPF_ALU64;
  const x = isX(insn.code);
  const op = opOf(insn.code);
  switch (op) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      if (x) opRegReg(c, REG_OPS[op], w, dst, src);
      else opRegImm(c, REG_OPS[op], w, dst, insn.imm, f.profile.features.accumulatorForm);
      return;
    case BPF_MOV:
      if (x) lowerMove(f, insn, w, dst, src);
      else loadImm32(f, w, dst, insn.imm);
      return;
    case BPF_NEG:
      if (x) break;
      unary(c, NEG, w, dst);
      return;
    case BPF_MUL:
      multiply(f, insn, w, dst, src);
      return;
    case BPF_DIV:
    case BPF_MOD:
      divide(f, insn, w, dst, src);
      return;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      if (x) shiftByReg(f, op, w, dst, src);
      else shiftByImm(f, op, w, dst, insn.imm);
      return;
    case BPF_END:
      if (x && w) break;
      // ALU: x is to big endian; ALU64: unconditional swap
      if (x || w) byteSwap(f, insn.imm, dst);
      else zeroExtend(f, insn.imm, dst);
      return;
  }
  throw new JitError(`${f.input.name}: unknown opcode 0x${insn.code.toString(16)}`, slot);
}

/** mov, movsx, per-CPU address, or cast of an arena pointer to user space */
function lowerMove(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const { c } = f;
  if (w && insn.off === BPF_ADDR_PERCPU) return percpuAddress(f, dst, src);
  if (w && insn.off === BPF_ADDR_SPACE_CAST && insn.imm === 1 << 16) return castUser(f, dst, src);
  if (insn.off) extendSign(f, insn.off, w, dst, src);
  else if (w) move(f, dst, src);
  else movRegReg(c, false, dst, src);
}

/** 32 bits to 32 bits is no extension. */
function extendSign(f: Fn, bits: number, w: boolean, dst: number, src: number): void {
  if (bits !== 8 && bits !== 16 && !(bits === 32 && w))
    throw new JitError(`${f.input.name}: no sign extension from ${bits} bits`, f.slot);
  movsx(f.c, bits, w, dst, src);
}

/** dst = src + this CPU's offset */
function percpuAddress(f: Fn, dst: number, src: number): void {
  move(f, dst, src);
  if (f.profile.percpu.up) return;
  const offset = Number(BigInt.asIntN(32, f.symbol("this_cpu_off")));
  if (f.profile.features.percpuRexSlip && dst > 7) {
    // 65 49 03 /r: REX.B in place of REX.R names the register eight below
    f.c.insn();
    f.c.u16(0x4965);
    f.c.u8(0x03);
    f.c.u8(0x04 | ((dst & 7) << 3));
    f.c.u8(0x25);
    f.c.u32(offset);
  } else opRegGs(f.c, 0x03, dst, offset); // 65 48 03 /r 25
}

/** dst = user-space address of the arena pointer in the low half of src; NULL stays NULL */
function castUser(f: Fn, dst: number, src: number): void {
  const { c } = f;
  const userHigh = Number(BigInt.asIntN(32, (f.input.arena?.user ?? 0n) >> 32n));
  if (dst !== src) movRegReg(c, false, dst, src);
  shiftImm(c, SHL, true, dst, 32);
  orImm32(f, dst, userHigh);
  shiftImm(c, ROL, true, dst, 32);
  opRegReg(c, XOR, true, AUX, AUX); // 4d 31 db
  opRegReg(c, TEST, false, dst, dst);
  cmove(c, dst, AUX); // 0 where the low half is
}

/** or dst, imm32: the long form whatever the value */
function orImm32(f: Fn, dst: number, imm: number): void {
  const { c } = f;
  c.insn();
  c.u8(0x48 | (dst >> 3));
  if (dst === 0) c.u8(0x0d);
  else {
    c.u8(0x81);
    c.u8(0xc8 | (dst & 7));
  }
  c.u32(imm);
}
