import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from "../opcode.ts";
import { movsx32 } from "./alu32.ts";
import { badOpcode } from "./fault.ts";
import type { Registers } from "./registers.ts";

/**
 * A class ALU64 operation but BPF_END (RFC 9669 section 4.1, kernel/bpf/core.c), in place. `lo` and `hi` are the halves of
 * the source operand; `off` is 1 for signed division and the width of a sign-extending move.
 */
export function alu64(regs: Registers, op: number, dst: number, lo: number, hi: number, off: number): void {
  const r = regs.half;
  const d = 2 * dst;
  const dlo = r[d];
  const dhi = r[d + 1];
  switch (op) {
    case BPF_ADD:
      r[d] = dlo + lo;
      r[d + 1] = dhi + hi + (r[d] >>> 0 < dlo >>> 0 ? 1 : 0); // carry
      break;
    case BPF_SUB:
      r[d] = dlo - lo;
      r[d + 1] = dhi - hi - (dlo >>> 0 < lo >>> 0 ? 1 : 0); // borrow
      break;
    case BPF_MUL:
      r[d] = Math.imul(dlo, lo);
      r[d + 1] = multiplyHigh(dlo, lo) + Math.imul(dhi, lo) + Math.imul(dlo, hi);
      break;
    case BPF_DIV:
    case BPF_MOD:
      divide(regs, op, dst, lo, hi, off === 1);
      break;
    case BPF_OR:
      r[d] = dlo | lo;
      r[d + 1] = dhi | hi;
      break;
    case BPF_AND:
      r[d] = dlo & lo;
      r[d + 1] = dhi & hi;
      break;
    case BPF_XOR:
      r[d] = dlo ^ lo;
      r[d + 1] = dhi ^ hi;
      break;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      shift(r, op, d, lo & 63);
      break;
    case BPF_NEG:
      r[d] = -dlo;
      r[d + 1] = ~dhi + (dlo === 0 ? 1 : 0);
      break;
    case BPF_MOV:
      r[d] = off === 32 ? lo : movsx32(lo, off);
      r[d + 1] = off === 0 ? hi : r[d] >> 31;
      break;
    default:
      throw badOpcode(op);
  }
}

/** Upper half of the product of two unsigned 32-bit numbers, from products of their 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const alo = a & 0xffff;
  const ahi = a >>> 16;
  const blo = b & 0xffff;
  const bhi = b >>> 16;
  const middle = ahi * blo + ((alo * blo) >>> 16);
  const low = (middle & 0xffff) + alo * bhi;
  return (ahi * bhi + (middle >>> 16) + (low >>> 16)) | 0;
}

/** A shift by 0 to 63 bits. */
function shift(r: Int32Array, op: number, d: number, count: number): void {
  if (count === 0) return;
  const lo = r[d];
  const hi = r[d + 1];
  const rest = 32 - count;
  if (op === BPF_LSH) {
    r[d] = count < 32 ? lo << count : 0;
    r[d + 1] = count < 32 ? (hi << count) | (lo >>> rest) : lo << (count - 32);
    return;
  }
  const fill = op === BPF_ARSH ? hi >> 31 : 0;
  const shifted = op === BPF_ARSH ? hi >> (count & 31) : hi >>> (count & 31);
  r[d] = count < 32 ? (lo >>> count) | (hi << rest) : shifted;
  r[d + 1] = count < 32 ? shifted : fill;
}

/** Division by 0 gives 0, its remainder leaves the dividend; INT64_MIN / -1 is INT64_MIN, and its remainder 0. */
function divide(regs: Registers, op: number, dst: number, lo: number, hi: number, signed: boolean): void {
  const r = regs.half;
  const d = 2 * dst;
  if ((lo | hi) === 0) {
    if (op === BPF_DIV) r[d] = r[d + 1] = 0;
  } else if (!signed && (hi | r[d + 1]) === 0) {
    r[d] = op === BPF_DIV ? (r[d] >>> 0) / (lo >>> 0) : (r[d] >>> 0) % (lo >>> 0);
  } else if (signed) {
    const divisor = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
    regs.signed[dst] = op === BPF_DIV ? regs.signed[dst] / divisor : regs.signed[dst] % divisor;
  } else {
    const divisor = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    regs.unsigned[dst] = op === BPF_DIV ? regs.unsigned[dst] / divisor : regs.unsigned[dst] % divisor;
  }
}
