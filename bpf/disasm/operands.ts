import type { Insn } from "../insn.ts";
import { MAX_BPF_EXT_REG } from "../opcode.ts";

/** `r1`, or `w1` for the low half. */
export const registerText = (number: number, is32 = false): string => `${is32 ? "w" : "r"}${number}`;

/** `r1 + 4`, `r1 - 4`; `r1 + sk_buff.len` where the loader fills the offset in. */
export function addressText(base: number, off: number, field?: string): string {
  if (field !== undefined) return `r${base} + ${field}`;
  return off < 0 ? `r${base} - ${-off}` : `r${base} + ${off}`;
}

/** `+3`, `-3` */
export const distanceText = (distance: number): string => (distance < 0 ? `${distance}` : `+${distance}`);

/** Whether both register numbers name registers. */
export const hasRegisters = ({ dst, src }: Insn): boolean => dst < MAX_BPF_EXT_REG && src < MAX_BPF_EXT_REG;
