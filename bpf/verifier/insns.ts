import * as O from "../opcode.ts";
import type { KInsn } from "./env.ts";

/** Constructors of the instructions that rewrites insert, named as in include/linux/filter.h. */
const raw = (code: number, dst: number, src: number, off: number, imm: number): KInsn => ({ code, dst, src, off, imm });

export const R0 = 0;
export const R1 = 1;
export const R2 = 2;
export const R3 = 3;
export const R6 = 6;
export const R7 = 7;
export const R8 = 8;
export const FP = O.BPF_REG_FP;

export const alu64 = (op: number, dst: number, imm: number): KInsn => raw(O.BPF_ALU64 | op | O.BPF_K, dst, 0, 0, imm);
export const alu64Reg = (op: number, dst: number, src: number): KInsn =>
  raw(O.BPF_ALU64 | op | O.BPF_X, dst, src, 0, 0);
export const alu32 = (op: number, dst: number, imm: number): KInsn => raw(O.BPF_ALU | op | O.BPF_K, dst, 0, 0, imm);
export const alu32Reg = (op: number, dst: number, src: number): KInsn => raw(O.BPF_ALU | op | O.BPF_X, dst, src, 0, 0);
export const mov64 = (dst: number, imm: number): KInsn => alu64(O.BPF_MOV, dst, imm);
export const mov64Reg = (dst: number, src: number): KInsn => alu64Reg(O.BPF_MOV, dst, src);
export const mov32 = (dst: number, imm: number): KInsn => alu32(O.BPF_MOV, dst, imm);
export const mov32Reg = (dst: number, src: number): KInsn => alu32Reg(O.BPF_MOV, dst, src);
/** dst = src + this CPU's offset */
export const movPerCpu = (dst: number, src: number): KInsn =>
  raw(O.BPF_ALU64 | O.BPF_MOV | O.BPF_X, dst, src, O.BPF_ADDR_PERCPU, 0);
export const ldx = (size: number, dst: number, src: number, off: number): KInsn =>
  raw(O.BPF_LDX | O.BPF_MEM | size, dst, src, off, 0);
export const stx = (size: number, dst: number, src: number, off: number): KInsn =>
  raw(O.BPF_STX | O.BPF_MEM | size, dst, src, off, 0);
export const st = (size: number, dst: number, off: number, imm: number): KInsn =>
  raw(O.BPF_ST | O.BPF_MEM | size, dst, 0, off, imm);
export const jmp = (op: number, dst: number, imm: number, off: number): KInsn => raw(O.BPF_JMP | op, dst, 0, off, imm);
export const jmpReg = (op: number, dst: number, src: number, off: number): KInsn =>
  raw(O.BPF_JMP | op | O.BPF_X, dst, src, off, 0);
export const jmp32 = (op: number, dst: number, imm: number, off: number): KInsn =>
  raw(O.BPF_JMP32 | op, dst, 0, off, imm);
export const ja = (off: number): KInsn => raw(O.BPF_JMP | O.BPF_JA, 0, 0, off, 0);
export const exit = (): KInsn => raw(O.EXIT, 0, 0, 0, 0);
/** Call of the kernel function `callee`. */
export const call = (callee: string): KInsn => ({ ...raw(O.CALL, 0, 0, 0, 0), callee });
/** Load of a kernel object's address. */
export const ldSymbol = (dst: number, name: string): KInsn[] => [
  { ...raw(O.LD_IMM64, dst, 0, 0, 0), symbol: { name, addend: 0 } },
  raw(0, 0, 0, 0, 0),
];

export const NOP: KInsn = Object.freeze(ja(0));
