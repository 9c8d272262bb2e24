import { type Insn, imm64 } from "../insn.ts";
import {
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  LD_IMM64,
  MAX_BPF_EXT_REG,
} from "../opcode.ts";
import type { Symbols } from "./symbols.ts";

/** Whether a well-formed LD_IMM64 starts at `slot`: its second slot holds nothing but the high half. */
export function isWide(insns: readonly Insn[], slot: number): boolean {
  const first = insns[slot];
  const second = insns[slot + 1];
  if (first?.code !== LD_IMM64 || first.off !== 0 || first.dst >= MAX_BPF_EXT_REG || !second) return false;
  if (second.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0) return false;
  return first.src <= BPF_PSEUDO_MAP_IDX_VALUE;
}

/** Text of the LD_IMM64 at `slot`. */
export function wideText(insns: readonly Insn[], slot: number, symbols: Symbols): string {
  const { dst, src, imm } = insns[slot];
  const high = insns[slot + 1].imm;
  const ref = symbols.mapAt(slot);
  if (ref?.kind === "map" && (src === 0 || src === BPF_PSEUDO_MAP_FD)) return `r${dst} = ${ref.map} ll`;
  if (ref?.kind === "value" && (src === 0 || src === BPF_PSEUDO_MAP_VALUE)) {
    return `r${dst} = ${ref.map}[0]${ref.off ? ` + ${ref.off}` : ""} ll`;
  }
  const callee = src === BPF_PSEUDO_FUNC && high === 0 ? symbols.callee(slot, imm) : undefined;
  if (callee !== undefined) return `r${dst} = ${callee} ll`;
  const value = numberText(imm64(insns, slot));
  return src === 0 ? `r${dst} = ${value} ll` : `ld_pseudo r${dst}, ${src}, ${value}`;
}

const numberText = (value: bigint): string => (value < 0x10000n ? `${value}` : `0x${value.toString(16)}`);
