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
  BPF_W,
  BPF_XCHG,
  classOf,
  modeOf,
  NOSPEC,
  sizeOf,
} from "../opcode.ts";
import { ATOMIC_OPERATIONS, accessType } from "../syntax.ts";
import { addressText, registerText } from "./operands.ts";

const LOADS: ReadonlyMap<number, { qualifier: string; signed: boolean }> = new Map([
  [BPF_MEM, { qualifier: "", signed: false }],
  [BPF_MEMSX, { qualifier: "", signed: true }],
  [BPF_PROBE_MEM, { qualifier: "probe ", signed: false }],
  [BPF_PROBE_MEMSX, { qualifier: "probe ", signed: true }],
  [BPF_PROBE_MEM32, { qualifier: "arena ", signed: false }],
  [BPF_PROBE_MEM32SX, { qualifier: "arena ", signed: true }],
]);

/** Text of a load, store or atomic other than LD_IMM64; undefined where it uses a reserved field or value. */
export function memoryText(insn: Insn, field?: string): string | undefined {
  switch (classOf(insn.code)) {
    case BPF_LD:
      return packetLoadText(insn);
    case BPF_LDX:
      return loadText(insn, field);
    case BPF_ST:
      return insn.code === NOSPEC ? nospecText(insn) : storeText(insn, field);
    default:
      return modeOf(insn.code) === BPF_ATOMIC || modeOf(insn.code) === BPF_PROBE_ATOMIC
        ? atomicText(insn, field)
        : storeText(insn, field);
  }
}

function packetLoadText({ code, dst, src, off, imm }: Insn): string | undefined {
  if (dst !== 0 || off !== 0 || sizeOf(code) === BPF_DW) return undefined;
  const start = `r0 = *(${accessType(sizeOf(code), false)} *)skb`;
  if (modeOf(code) === BPF_ABS) return src === 0 ? `${start}[${imm}]` : undefined;
  if (modeOf(code) !== BPF_IND) return undefined;
  return imm === 0 ? `${start}[r${src}]` : `${start}[${addressText(src, imm)}]`;
}

function loadText({ code, dst, src, off, imm }: Insn, field?: string): string | undefined {
  const load = LOADS.get(modeOf(code));
  const type = load && accessType(sizeOf(code), load.signed);
  if (!load || !type || imm !== 0) return undefined;
  return `r${dst} = ${load.qualifier}*(${type} *)(${addressText(src, off, field)})`;
}

function storeText({ code, dst, src, off, imm }: Insn, field?: string): string | undefined {
  const mode = modeOf(code);
  if (mode !== BPF_MEM && mode !== BPF_PROBE_MEM32) return undefined;
  const immediate = classOf(code) === BPF_ST;
  if (immediate ? src !== 0 : imm !== 0) return undefined;
  const qualifier = mode === BPF_MEM ? "" : "arena ";
  const place = `${qualifier}*(${accessType(sizeOf(code), false)} *)(${addressText(dst, off, field)})`;
  return `${place} = ${immediate ? imm : `r${src}`}`;
}

function nospecText({ dst, src, off, imm }: Insn): string | undefined {
  return dst === 0 && src === 0 && off === 0 && imm === 0 ? "nospec" : undefined;
}

/** 32-bit atomics and all narrow ones are written with w registers, as LLVM has them. */
function atomicText({ code, dst, src, off, imm }: Insn, field?: string): string | undefined {
  const size = sizeOf(code);
  const arena = modeOf(code) === BPF_PROBE_ATOMIC ? "arena " : "";
  const type = accessType(size, false);
  const is32 = size !== BPF_DW;
  const value = registerText(src, is32);
  const place = `(${type} *)(${addressText(dst, off, field)})`;
  if (imm === BPF_LOAD_ACQ) {
    return `${registerText(dst, is32)} = ${arena}load_acquire((${type} *)(${addressText(src, off, field)}))`;
  }
  if (imm === BPF_STORE_REL) return `${arena}store_release(${place}, ${value})`;
  if (size !== BPF_W && size !== BPF_DW) return undefined;
  const suffix = is32 ? "32_32" : "_64";
  const bare = addressText(dst, off, field);
  if (imm === BPF_XCHG) return `${value} = ${arena}xchg${suffix}(${bare}, ${value})`;
  if (imm === BPF_CMPXCHG) {
    const old = registerText(0, is32);
    return `${old} = ${arena}cmpxchg${suffix}(${bare}, ${old}, ${value})`;
  }
  const operation = ATOMIC_OPERATIONS.find(({ op }) => op === (imm & ~BPF_FETCH));
  if (!operation) return undefined;
  if (imm & BPF_FETCH) return `${value} = ${arena}atomic_fetch_${operation.name}(${place}, ${value})`;
  return `${arena}lock *${place} ${operation.operator} ${value}`;
}
