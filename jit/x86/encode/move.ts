import type { Code } from "../code.ts";
import { modRegs, rex, rexBits } from "./rex.ts";

/** mov dst, src; w: 64 bits, else 32 with the upper half cleared */
export function movRegReg(c: Code, w: boolean, dst: number, src: number): void {
  c.insn();
  rex(c, w, src, dst);
  c.u8(0x89);
  modRegs(c, src, dst);
}

/** movzx reg32, reg16 */
export function movzx16(c: Code, reg: number): void {
  c.insn();
  rex(c, false, reg, reg);
  c.u8(0x0f);
  c.u8(0xb7);
  modRegs(c, reg, reg);
}

/** movsx dst, src of 8, 16 or 32 bits, to 64 bits (w) or 32. The 8-bit source always has a REX, so that sil is not dh. */
export function movsx(c: Code, bits: number, w: boolean, dst: number, src: number): void {
  c.insn();
  if (bits === 8) c.u8(rexBits(w, dst, 0, src));
  else rex(c, w, dst, src);
  if (bits === 32) c.u8(0x63);
  else {
    c.u8(0x0f);
    c.u8(bits === 8 ? 0xbe : 0xbf);
  }
  modRegs(c, dst, src);
}

/** mov reg32, imm32: B8+r id, upper half cleared */
export function movRegImm32(c: Code, reg: number, imm: number): void {
  c.insn();
  rex(c, false, 0, reg);
  c.u8(0xb8 | (reg & 7));
  c.u32(imm);
}

/** mov reg64, sign-extended imm32: C7 /0 id */
export function movRegSimm32(c: Code, reg: number, imm: number): void {
  c.insn();
  rex(c, true, 0, reg);
  c.u8(0xc7);
  modRegs(c, 0, reg);
  c.u32(imm);
}

/** movabs reg64, imm64: B8+r io */
export function movabs(c: Code, reg: number, low: number, high: number): void {
  c.insn();
  rex(c, true, 0, reg);
  c.u8(0xb8 | (reg & 7));
  c.u32(low);
  c.u32(high);
}
