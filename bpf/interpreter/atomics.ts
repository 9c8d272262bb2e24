import {
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_STORE_REL,
  BPF_W,
  BPF_XCHG,
  BPF_XOR,
  bytesOf,
  sizeOf,
} from "../opcode.ts";
import type { Access } from "./access.ts";
import { badOpcode } from "./fault.ts";
import type { Registers } from "./registers.ts";

const R0 = 0;

/**
 * BPF_ATOMIC (RFC 9669 section 5.3): the operation is in imm; 32-bit ones zero-extend what they fetch. Registers come as
 * half indexes: dst, src, and base, which holds the address.
 */
export function atomic(
  regs: Registers,
  access: Access,
  code: number,
  dst: number,
  src: number,
  off: number,
  imm: number,
  base: number,
): void {
  const r = regs.half;
  const size = bytesOf(code);
  if (imm === BPF_LOAD_ACQ) {
    access.load(r[base], r[base + 1], off, size);
    r[dst] = access.lo;
    r[dst + 1] = access.hi;
    return;
  }
  if (imm === BPF_STORE_REL) {
    access.store(r[base], r[base + 1], off, size, r[src], r[src + 1]);
    return;
  }
  if (sizeOf(code) !== BPF_W && sizeOf(code) !== BPF_DW) throw badOpcode(code);
  const baseLo = r[base];
  const baseHi = r[base + 1];
  access.load(baseLo, baseHi, off, size);
  const { lo, hi } = access;
  const fetched = imm === BPF_CMPXCHG ? R0 : src;
  switch (imm) {
    case BPF_CMPXCHG:
      // the kernel writes either way, but the old value over itself
      if (lo === r[R0] && (size === 4 || hi === r[R0 + 1])) access.store(baseLo, baseHi, off, size, r[src], r[src + 1]);
      break;
    case BPF_XCHG:
      access.store(baseLo, baseHi, off, size, r[src], r[src + 1]);
      break;
    case BPF_ADD:
    case BPF_ADD | BPF_FETCH: {
      const sum = (lo + r[src]) | 0;
      access.store(baseLo, baseHi, off, size, sum, hi + r[src + 1] + (sum >>> 0 < lo >>> 0 ? 1 : 0));
      break;
    }
    case BPF_OR:
    case BPF_OR | BPF_FETCH:
      access.store(baseLo, baseHi, off, size, lo | r[src], hi | r[src + 1]);
      break;
    case BPF_AND:
    case BPF_AND | BPF_FETCH:
      access.store(baseLo, baseHi, off, size, lo & r[src], hi & r[src + 1]);
      break;
    case BPF_XOR:
    case BPF_XOR | BPF_FETCH:
      access.store(baseLo, baseHi, off, size, lo ^ r[src], hi ^ r[src + 1]);
      break;
    default:
      throw badOpcode(code);
  }
  if (!(imm & BPF_FETCH)) return;
  r[fetched] = lo;
  r[fetched + 1] = hi;
}
