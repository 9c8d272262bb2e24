import { type AssembleOptions, assemble } from "../../../bpf/asm/assemble.ts";
import { encodeInsns } from "../../../bpf/insn.ts";

/** The bytes of a text, `bf 21 00 00 00 00 00 00`, one string for each slot. */
export function slots(text: string, options?: AssembleOptions): string[] {
  const bytes = encodeInsns(assemble(text, options).insns);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  return Array.from({ length: hex.length / 8 }, (_, i) => hex.slice(8 * i, 8 * i + 8).join(" "));
}
