import type { Insn } from "../../insn.ts";
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
  BPF_ST,
  BPF_STORE_REL,
  BPF_XCHG,
  classOf,
  modeOf,
  NOSPEC,
  sizeOf,
} from "../../opcode.ts";
import { ATOMIC_OPERATIONS, accessType } from "../../syntax.ts";
import { distanceText } from "../operands.ts";

/** Loads, stores and atomics as the kernel prints them; undefined for a mode that it has no words for. */
export function memoryText(insn: Insn): string | undefined {
  const { code, dst, src, off, imm } = insn;
  const mode = modeOf(code);
  const type = accessType(sizeOf(code), mode === BPF_MEMSX);
  switch (classOf(code)) {
    case BPF_LD:
      if (mode === BPF_ABS) return `r0 = *(${type} *)skb[${imm}]`;
      return mode === BPF_IND ? `r0 = *(${type} *)skb[r${src} + ${imm}]` : undefined;
    case BPF_LDX:
      return mode === BPF_MEM || mode === BPF_MEMSX ? `r${dst} = *(${type} *)${place(src, off)}` : undefined;
    case BPF_ST:
      if (code === NOSPEC) return "nospec";
      return mode === BPF_MEM ? `*(${type} *)${place(dst, off)} = ${imm}` : undefined;
  }
  if (mode === BPF_MEM) return `*(${type} *)${place(dst, off)} = r${src}`;
  return mode === BPF_ATOMIC ? atomicText(insn) : undefined;
}

/** `(r10 -8)` */
const place = (base: number, off: number): string => `(r${base} ${distanceText(off)})`;

function atomicText({ code, dst, src, off, imm }: Insn): string | undefined {
  const type = accessType(sizeOf(code), false);
  const name = sizeOf(code) === BPF_DW ? "atomic64" : "atomic";
  const at = `(${type} *)${place(dst, off)}`;
  if (imm === BPF_LOAD_ACQ) return `r${dst} = load_acquire((${type} *)${place(src, off)})`;
  if (imm === BPF_STORE_REL) return `store_release(${at}, r${src})`;
  if (imm === BPF_XCHG) return `r${src} = ${name}_xchg(${at}, r${src})`;
  if (imm === BPF_CMPXCHG) return `r0 = ${name}_cmpxchg(${at}, r0, r${src})`;
  const operation = ATOMIC_OPERATIONS.find(({ op }) => op === (imm & ~BPF_FETCH));
  if (!operation) return undefined;
  if (imm & BPF_FETCH) return `r${src} = ${name}_fetch_${operation.name}(${at}, r${src})`;
  return `lock *${at} ${operation.operator} r${src}`;
}
