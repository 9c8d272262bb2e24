import type { Insn } from "../insn.ts";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_PROBE_ATOMIC,
  BPF_REG_FP,
  BPF_STORE_REL,
  BPF_STX,
  CALL,
  classOf,
  LD_IMM64,
  MAX_BPF_EXT_REG,
  modeOf,
} from "../opcode.ts";

/** Registers that do not exist, and writes to the frame pointer. */
export function checkRegisters(insn: Insn, kernelInternal: boolean): string | undefined {
  const { code, dst, src } = insn;
  const highest = kernelInternal ? MAX_BPF_EXT_REG - 1 : BPF_REG_FP;
  if (dst > highest) return `there is no register r${dst}`;
  if (src > highest && code !== CALL && code !== LD_IMM64) return `there is no register r${src}`;
  return writtenBy(insn) === BPF_REG_FP ? "r10 cannot be written" : undefined;
}

/** The register an instruction writes, apart from what calls do. */
function writtenBy({ code, dst, src, imm }: Insn): number | undefined {
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
    case BPF_LDX:
      return dst;
    case BPF_STX:
      if (modeOf(code) !== BPF_ATOMIC && modeOf(code) !== BPF_PROBE_ATOMIC) return undefined;
      if (imm === BPF_LOAD_ACQ) return dst;
      if (imm === BPF_STORE_REL || imm === BPF_CMPXCHG) return undefined;
      return imm & BPF_FETCH ? src : undefined;
    default:
      return code === LD_IMM64 ? dst : undefined;
  }
}
