import type { Insn } from "../insn.ts";

/** The first of these fields that is not 0, as a complaint. */
export function reserved(insn: Insn, ...fields: ("dst" | "src" | "off" | "imm")[]): string | undefined {
  const field = fields.find((name) => insn[name] !== 0);
  return field && `${field} is reserved here and must be 0, not ${insn[field]}`;
}

export const unknownOpcode = ({ code }: Insn): string => `unknown opcode 0x${code.toString(16).padStart(2, "0")}`;
