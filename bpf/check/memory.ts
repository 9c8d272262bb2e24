import type { Insn } from "../insn.ts";
import {
  BPF_ABS,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_IND,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PROBE_ATOMIC,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PROBE_MEM32SX,
  BPF_PROBE_MEMSX,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_W,
  BPF_XCHG,
  classOf,
  modeOf,
  NOSPEC,
  sizeOf,
} from "../opcode.ts";
import { ATOMIC_OPERATIONS } from "../syntax.ts";
import { reserved, unknownOpcode } from "./reserved.ts";

const SIGN_EXTENDING = [BPF_MEMSX, BPF_PROBE_MEMSX, BPF_PROBE_MEM32SX];
const LOADS = [BPF_MEM, BPF_MEMSX];
const INTERNAL_LOADS = [...LOADS, BPF_PROBE_MEM, BPF_PROBE_MEMSX, BPF_PROBE_MEM32, BPF_PROBE_MEM32SX];

export function memoryProblem(insn: Insn, kernelInternal: boolean): string | undefined {
  const { code } = insn;
  const mode = modeOf(code);
  const isStoreMode = mode === BPF_MEM || (kernelInternal && mode === BPF_PROBE_MEM32);
  switch (classOf(code)) {
    case BPF_LD:
      return packetLoadProblem(insn);
    case BPF_LDX: {
      const known = (kernelInternal ? INTERNAL_LOADS : LOADS).includes(mode);
      if (!known || (SIGN_EXTENDING.includes(mode) && sizeOf(code) === BPF_DW)) return unknownOpcode(insn);
      return reserved(insn, "imm");
    }
    case BPF_ST:
      if (kernelInternal && code === NOSPEC) return reserved(insn, "dst", "src", "off", "imm");
      return isStoreMode ? reserved(insn, "src") : unknownOpcode(insn);
    case BPF_STX:
      if (mode === BPF_ATOMIC || (kernelInternal && mode === BPF_PROBE_ATOMIC)) return atomicProblem(insn);
      return isStoreMode ? reserved(insn, "imm") : unknownOpcode(insn);
    default:
      return unknownOpcode(insn);
  }
}

function packetLoadProblem(insn: Insn): string | undefined {
  const mode = modeOf(insn.code);
  if ((mode !== BPF_ABS && mode !== BPF_IND) || sizeOf(insn.code) === BPF_DW) return unknownOpcode(insn);
  return mode === BPF_ABS ? reserved(insn, "dst", "src", "off") : reserved(insn, "dst", "off");
}

function atomicProblem({ code, imm }: Insn): string | undefined {
  if (imm === BPF_LOAD_ACQ || imm === BPF_STORE_REL) return undefined;
  const isKnown =
    imm === BPF_XCHG || imm === BPF_CMPXCHG || ATOMIC_OPERATIONS.some(({ op }) => op === (imm & ~BPF_FETCH));
  if (!isKnown) return `unknown atomic operation 0x${(imm >>> 0).toString(16)}`;
  return sizeOf(code) === BPF_W || sizeOf(code) === BPF_DW ? undefined : "an atomic operation on less than 4 bytes";
}
