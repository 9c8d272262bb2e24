import type { Code } from "../code.ts";
import { RAX } from "../regs.ts";
import { isImm8, modRegs, rex } from "./rex.ts";

/** Opcode of `op r/m, r`. */
export const ADD = 0x01;
export const OR = 0x09;
export const AND = 0x21;
export const SUB = 0x29;
export const XOR = 0x31;
export const CMP = 0x39;
export const TEST = 0x85;
export type RegOp = typeof ADD | typeof OR | typeof AND | typeof SUB | typeof XOR | typeof CMP | typeof TEST;

/** op dst, src; w: 64 bits, else 32. */
export function opRegReg(c: Code, op: RegOp, w: boolean, dst: number, src: number): void {
  c.insn();
  rex(c, w, src, dst);
  c.u8(op);
  modRegs(c, src, dst);
}

/**
 * op dst, imm (sign-extended); 83 /digit ib where it fits, else 81 /digit id. With `short`, rax has its own one-byte form
 * (05 id and the like), as the kernel's JIT uses for arithmetic but not for cmp.
 */
export function opRegImm(c: Code, op: RegOp, w: boolean, dst: number, imm: number, short = true): void {
  c.insn();
  rex(c, w, 0, dst);
  const digit = op >> 3;
  if (isImm8(imm)) {
    c.u8(0x83);
    modRegs(c, digit, dst);
    c.u8(imm);
  } else if (short && dst === RAX) {
    c.u8(op + 4);
    c.u32(imm);
  } else {
    c.u8(0x81);
    modRegs(c, digit, dst);
    c.u32(imm);
  }
}

/** test dst, imm32 */
export function testRegImm(c: Code, w: boolean, dst: number, imm: number): void {
  c.insn();
  rex(c, w, 0, dst);
  c.u8(0xf7);
  modRegs(c, 0, dst);
  c.u32(imm);
}

export const NEG = 3;
export const MUL = 4;
export const DIV = 6;
export const IDIV = 7;

/** neg, mul, div or idiv reg: F7 /digit */
export function unary(c: Code, digit: number, w: boolean, reg: number): void {
  c.insn();
  rex(c, w, 0, reg);
  c.u8(0xf7);
  modRegs(c, digit, reg);
}

/** imul dst, src */
export function imulRegReg(c: Code, w: boolean, dst: number, src: number): void {
  c.insn();
  rex(c, w, dst, src);
  c.u8(0x0f);
  c.u8(0xaf);
  modRegs(c, dst, src);
}

/** imul dst, dst, imm */
export function imulRegImm(c: Code, w: boolean, dst: number, imm: number): void {
  c.insn();
  rex(c, w, dst, dst);
  const short = isImm8(imm);
  c.u8(short ? 0x6b : 0x69);
  modRegs(c, dst, dst);
  if (short) c.u8(imm);
  else c.u32(imm);
}

/** cdq: edx = sign of eax; cqo (w): rdx = sign of rax */
export function signExtendRax(c: Code, w: boolean): void {
  c.insn();
  if (w) c.u8(0x48);
  c.u8(0x99);
}

export const ROL = 0;
export const ROR = 1;
export const SHL = 4;
export const SHR = 5;
export const SAR = 7;

/** shl, shr, sar or rol reg, imm8; a shift by one has its own form unless `long`. */
export function shiftImm(c: Code, digit: number, w: boolean, reg: number, imm: number, long = false): void {
  c.insn();
  rex(c, w, 0, reg);
  const one = imm === 1 && !long;
  c.u8(one ? 0xd1 : 0xc1);
  modRegs(c, digit, reg);
  if (!one) c.u8(imm);
}

/** shl, shr or sar reg, cl */
export function shiftCl(c: Code, digit: number, w: boolean, reg: number): void {
  c.insn();
  rex(c, w, 0, reg);
  c.u8(0xd3);
  modRegs(c, digit, reg);
}

/** BMI2 shlx, shrx or sarx reg, reg, count: VEX.LZ.pp.0F38.W F7 /r */
export function shiftX(c: Code, digit: number, w: boolean, reg: number, count: number): void {
  const pp = digit === SHL ? 1 : digit === SAR ? 2 : 3;
  const high = reg >> 3 ? 0 : 1; // R and B, inverted
  c.insn();
  c.u8(0xc4);
  c.u8((high << 7) | (1 << 6) | (high << 5) | 2);
  c.u8(((w ? 1 : 0) << 7) | ((~count & 15) << 3) | pp);
  c.u8(0xf7);
  modRegs(c, reg, reg);
}

/** bswap reg, 32 or 64 bits */
export function bswap(c: Code, w: boolean, reg: number): void {
  c.insn();
  rex(c, w, 0, reg);
  c.u8(0x0f);
  c.u8(0xc8 | (reg & 7));
}

/** ror reg16, imm8 */
export function ror16(c: Code, reg: number, imm: number): void {
  c.insn();
  c.u8(0x66);
  rex(c, false, 0, reg);
  c.u8(0xc1);
  modRegs(c, ROR, reg);
  c.u8(imm);
}

/** cmove dst, src (64 bits) */
export function cmove(c: Code, dst: number, src: number): void {
  c.insn();
  rex(c, true, dst, src);
  c.u8(0x0f);
  c.u8(0x44);
  modRegs(c, dst, src);
}
