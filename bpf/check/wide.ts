import type { Insn } from "../insn.ts";
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  LD_IMM64,
} from "../opcode.ts";

const HIGH_HALF_IS_ZERO = [BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_FUNC];
const SOURCES = [0, ...HIGH_HALF_IS_ZERO, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_MAP_IDX_VALUE];

export const isWideAt = (insns: readonly Insn[], slot: number): boolean => insns[slot].code === LD_IMM64;

/** What is wrong with the two slots of an LD_IMM64 (resolve_pseudo_ldimm64). */
export function wideProblem(insns: readonly Insn[], slot: number): string | undefined {
  const { src, off } = insns[slot];
  const second = insns.at(slot + 1);
  if (!second) return "the second slot of the 64-bit load is missing";
  if (off !== 0) return "off of a 64-bit load must be 0";
  if (second.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0) {
    return "the second slot of a 64-bit load holds nothing but imm";
  }
  if (!SOURCES.includes(src)) return `a 64-bit load has no pseudo source ${src}`;
  if (HIGH_HALF_IS_ZERO.includes(src) && second.imm !== 0) return "the second imm of such a 64-bit load must be 0";
  return undefined;
}

/** For each slot, whether it is the second one of an LD_IMM64. */
export function secondSlots(insns: readonly Insn[]): Uint8Array {
  const second = new Uint8Array(insns.length + 1);
  for (let slot = 0; slot < insns.length; slot++) if (isWideAt(insns, slot)) second[++slot] = 1;
  return second;
}
