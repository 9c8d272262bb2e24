import type { Code } from "../code.ts";
import { RBP } from "../regs.ts";
import { modIndexed, modMem, rex, rexBits } from "./rex.ts";

/** al, cl, dl and bl are there without REX; sil, dil, bpl and r8b..r15b are not. */
const needsRexAsByte = (reg: number): boolean => reg >= 4;

/** dst = *(uN *)(base + off): movzx to 64 bits for 1 and 2 bytes, mov for 4 and 8. */
export function load(c: Code, bytes: number, dst: number, base: number, off: number): void {
  c.insn();
  if (bytes <= 2) {
    c.u8(rexBits(true, dst, 0, base));
    c.u8(0x0f);
    c.u8(bytes === 1 ? 0xb6 : 0xb7);
  } else {
    rex(c, bytes === 8, dst, base);
    c.u8(0x8b);
  }
  modMem(c, dst, base, off);
}

/** dst = *(sN *)(base + off), sign-extended to 64 bits */
export function loadSigned(c: Code, bytes: number, dst: number, base: number, off: number): void {
  c.insn();
  c.u8(rexBits(true, dst, 0, base));
  signedOpcode(c, bytes);
  modMem(c, dst, base, off);
}

function signedOpcode(c: Code, bytes: number): void {
  if (bytes === 4) c.u8(0x63);
  else {
    c.u8(0x0f);
    c.u8(bytes === 1 ? 0xbe : 0xbf);
  }
}

/** *(uN *)(base + off) = src; with `slip` a byte of rbp gets no REX prefix, which makes it ch */
export function store(c: Code, bytes: number, base: number, off: number, src: number, slip = false): void {
  c.insn();
  if (bytes === 2) c.u8(0x66);
  if (bytes === 1 && needsRexAsByte(src) && !(slip && src === RBP)) c.u8(rexBits(false, src, 0, base));
  else rex(c, bytes === 8, src, base);
  c.u8(bytes === 1 ? 0x88 : 0x89);
  modMem(c, src, base, off);
}

/** *(uN *)(base + off) = imm, sign-extended for 8 bytes */
export function storeImm(c: Code, bytes: number, base: number, off: number, imm: number): void {
  c.insn();
  if (bytes === 2) c.u8(0x66);
  rex(c, bytes === 8, 0, base);
  c.u8(bytes === 1 ? 0xc6 : 0xc7);
  modMem(c, 0, base, off);
  immediate(c, bytes, imm);
}

function immediate(c: Code, bytes: number, imm: number): void {
  if (bytes === 1) c.u8(imm);
  else if (bytes === 2) c.u16(imm);
  else c.u32(imm);
}

/** dst = *(uN *)(base + index + off); REX is always there. */
export function loadIndexed(c: Code, bytes: number, dst: number, base: number, index: number, off: number): void {
  c.insn();
  c.u8(rexBits(bytes === 8, dst, index, base));
  if (bytes <= 2) {
    c.u8(0x0f);
    c.u8(bytes === 1 ? 0xb6 : 0xb7);
  } else c.u8(0x8b);
  modIndexed(c, dst, base, index, off);
}

/** dst = *(sN *)(base + index + off), sign-extended to 64 bits */
export function loadSignedIndexed(c: Code, bytes: number, dst: number, base: number, index: number, off: number): void {
  c.insn();
  c.u8(rexBits(true, dst, index, base));
  signedOpcode(c, bytes);
  modIndexed(c, dst, base, index, off);
}

/** *(uN *)(base + index + off) = src; REX is always there. */
export function storeIndexed(c: Code, bytes: number, base: number, index: number, off: number, src: number): void {
  c.insn();
  if (bytes === 2) c.u8(0x66);
  c.u8(rexBits(bytes === 8, src, index, base));
  c.u8(bytes === 1 ? 0x88 : 0x89);
  modIndexed(c, src, base, index, off);
}

/** *(uN *)(base + index + off) = imm; REX is always there. */
export function storeImmIndexed(c: Code, bytes: number, base: number, index: number, off: number, imm: number): void {
  c.insn();
  if (bytes === 2) c.u8(0x66);
  c.u8(rexBits(bytes === 8, 0, index, base));
  c.u8(bytes === 1 ? 0xc6 : 0xc7);
  modIndexed(c, 0, base, index, off);
  immediate(c, bytes, imm);
}

/** Opcodes of the atomics: `lock op [mem], reg`. */
export const XADD = 0x0fc1;
export const XCHG = 0x87;
export const CMPXCHG = 0x0fb1;

/** [lock] op *(u32 or u64 *)(base + off), src; opcode one byte, or two with 0F in front */
export function atomic(c: Code, opcode: number, w: boolean, base: number, off: number, src: number, lock = true): void {
  c.insn();
  if (lock) c.u8(0xf0);
  rex(c, w, src, base);
  opcodeBytes(c, opcode);
  modMem(c, src, base, off);
}

/** lock op *(u32 or u64 *)(base + index + off), src; REX is always there. */
export function atomicIndexed(
  c: Code,
  opcode: number,
  w: boolean,
  base: number,
  index: number,
  off: number,
  src: number,
  lock = true,
): void {
  c.insn();
  if (lock) c.u8(0xf0);
  c.u8(rexBits(w, src, index, base));
  opcodeBytes(c, opcode);
  modIndexed(c, src, base, index, off);
}

function opcodeBytes(c: Code, opcode: number): void {
  if (opcode > 0xff) c.u8(opcode >> 8);
  c.u8(opcode & 0xff);
}

/** mov [rsp], src */
export function storeAtRsp(c: Code, src: number): void {
  c.insn();
  c.u8(rexBits(true, src, 0, 0));
  c.u8(0x89);
  c.u8(0x04 | ((src & 7) << 3));
  c.u8(0x24);
}

/** lea dst, [base + off] */
export function lea(c: Code, dst: number, base: number, off: number): void {
  c.insn();
  rex(c, true, dst, base);
  c.u8(0x8d);
  modMem(c, dst, base, off);
}

/** mov reg64, [base + index*8 + disp32] */
export function loadScaled8(c: Code, reg: number, base: number, index: number, disp: number): void {
  c.insn();
  scaled8(c, 0x8b, reg, base, index, disp);
}

/** lea reg64, [base + index*8 + disp32] */
export function leaScaled8(c: Code, reg: number, base: number, index: number, disp: number): void {
  c.insn();
  scaled8(c, 0x8d, reg, base, index, disp);
}

/** mov dst64, [base], without a displacement; base is none of rsp, rbp, r12, r13 */
export function loadPlain(c: Code, dst: number, base: number): void {
  c.insn();
  c.u8(rexBits(true, dst, 0, base));
  c.u8(0x8b);
  c.u8(((dst & 7) << 3) | (base & 7));
}

function scaled8(c: Code, opcode: number, reg: number, base: number, index: number, disp: number): void {
  c.u8(rexBits(true, reg, index, base));
  c.u8(opcode);
  c.u8(0x84 | ((reg & 7) << 3));
  c.u8(0xc0 | ((index & 7) << 3) | (base & 7));
  c.u32(disp);
}

/** mov dst, [base + disp32]: the long form even where 8 bits would do, as frame slots are read */
export function loadFrame(c: Code, w: boolean, dst: number, base: number, off: number): void {
  c.insn();
  rex(c, w, dst, base);
  c.u8(0x8b);
  c.u8(0x80 | ((dst & 7) << 3) | (base & 7));
  c.u32(off);
}

/** sub dst32, [base + disp32]: the long form */
export function subFrame(c: Code, dst: number, base: number, off: number): void {
  c.insn();
  rex(c, false, dst, base);
  c.u8(0x2b);
  c.u8(0x80 | ((dst & 7) << 3) | (base & 7));
  c.u32(off);
}

/** mov [base + disp32], src: the long form */
export function storeFrame(c: Code, w: boolean, base: number, off: number, src: number): void {
  c.insn();
  rex(c, w, src, base);
  c.u8(0x89);
  c.u8(0x80 | ((src & 7) << 3) | (base & 7));
  c.u32(off);
}

/** cmp dword or qword [base + off], reg */
export function cmpMemReg(c: Code, w: boolean, base: number, off: number, reg: number): void {
  c.insn();
  rex(c, w, reg, base);
  c.u8(0x39);
  modMem(c, reg, base, off);
}

/** cmp dword or qword [base + off], imm8 */
export function cmpMemImm8(c: Code, w: boolean, base: number, off: number, imm: number): void {
  c.insn();
  rex(c, w, 0, base);
  c.u8(0x83);
  modMem(c, 7, base, off);
  c.u8(imm);
}

/** cmp/add qword or dword [base], imm8: 83 /digit, no displacement; base is none of rsp, rbp, r12, r13 */
export function opMemImm8(c: Code, digit: number, w: boolean, base: number, imm: number): void {
  c.insn();
  rex(c, w, 0, base);
  c.u8(0x83);
  c.u8((digit << 3) | (base & 7));
  c.u8(imm);
}

/** mov reg, dword or qword gs:[disp32] (absolute, sign-extended); reg is rax to rdi */
export function loadGs(c: Code, size: 4 | 8, reg: number, disp: number): void {
  c.insn();
  c.u8(0x65);
  if (size === 8) c.u8(0x48);
  c.u8(0x8b);
  c.u8(0x04 | (reg << 3));
  c.u8(0x25);
  c.u32(disp);
}

/** op gs:[disp32]-style access: opcode reg, gs:[disp32] (absolute, sign-extended), 64 bits */
export function opRegGs(c: Code, opcode: number, reg: number, disp: number): void {
  c.insn();
  c.u8(0x65);
  c.u8(rexBits(true, reg, 0, 0));
  c.u8(opcode);
  c.u8(0x04 | ((reg & 7) << 3));
  c.u8(0x25);
  c.u32(disp);
}
