import type { Code } from "../code.ts";

/** REX prefix bits: W = 64-bit operand, R = high bit of ModRM.reg, X = of SIB.index, B = of ModRM.rm or SIB.base. */
export function rexBits(w: boolean, reg: number, index: number, base: number): number {
  return 0x40 | (w ? 8 : 0) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (base >> 3);
}

/** REX where the operands need one: 64 bits wide, or a register r8..r15. */
export function rex(c: Code, w: boolean, reg: number, base: number): void {
  const bits = rexBits(w, reg, 0, base);
  if (bits !== 0x40) c.u8(bits);
}

/** ModRM of two registers. */
export function modRegs(c: Code, reg: number, rm: number): void {
  c.u8(0xc0 | ((reg & 7) << 3) | (rm & 7));
}

export const isImm8 = (value: number): boolean => value >= -128 && value <= 127;

/** ModRM of reg and [base + off]: always with a displacement, 8 bits where it fits; base is none of rsp, r12. */
export function modMem(c: Code, reg: number, base: number, off: number): void {
  if (isImm8(off)) {
    c.u8(0x40 | ((reg & 7) << 3) | (base & 7));
    c.u8(off);
  } else {
    c.u8(0x80 | ((reg & 7) << 3) | (base & 7));
    c.u32(off);
  }
}

/** ModRM and SIB of reg and [base + index + off]. */
export function modIndexed(c: Code, reg: number, base: number, index: number, off: number): void {
  const sib = ((index & 7) << 3) | (base & 7);
  const short = isImm8(off);
  c.u8((short ? 0x44 : 0x84) | ((reg & 7) << 3));
  c.u8(sib);
  if (short) c.u8(off);
  else c.u32(off);
}
