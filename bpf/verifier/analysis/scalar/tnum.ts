/**
 * Tracked numbers (kernel/bpf/tnum.c): each bit is known (mask 0, then `value` holds it) or unknown (mask 1, value 0). 64 bits wide,
 * both halves unsigned.
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

export const U64 = (1n << 64n) - 1n;
export const U32 = 0xffffffffn;
export const u64 = (v: bigint): bigint => v & U64;
export const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);

export const tnum = (value: bigint, mask: bigint): Tnum => ({ value, mask });
export const unknown: Tnum = { value: 0n, mask: U64 };
export const constant = (value: bigint): Tnum => ({ value: value & U64, mask: 0n });

/** Position of the highest bit set, counted from 1; 0 of 0. */
export const fls64 = (v: bigint): number => (v === 0n ? 0 : v.toString(2).length);

/** The bits that all of [min, max] share. */
export function range(min: bigint, max: bigint): Tnum {
  const bits = fls64((min ^ max) & U64);
  if (bits > 63) return unknown;
  const delta = (1n << BigInt(bits)) - 1n;
  return { value: min & ~delta & U64, mask: delta };
}

export const lshift = (a: Tnum, n: number): Tnum => tnum(u64(a.value << BigInt(n)), u64(a.mask << BigInt(n)));
export const rshift = (a: Tnum, n: number): Tnum => tnum(a.value >> BigInt(n), a.mask >> BigInt(n));

/** Arithmetic shift right of a value of `bits` bits: 32 or 64. */
export function arshift(a: Tnum, n: number, bits: 32 | 64): Tnum {
  const shift = (v: bigint) => BigInt.asUintN(bits, BigInt.asIntN(bits, v) >> BigInt(n));
  return tnum(shift(a.value), shift(a.mask));
}

export function add(a: Tnum, b: Tnum): Tnum {
  const sv = u64(a.value + b.value);
  const sigma = u64(a.mask + b.mask + sv);
  const mu = (sigma ^ sv) | a.mask | b.mask;
  return tnum(sv & ~mu & U64, mu);
}

export function sub(a: Tnum, b: Tnum): Tnum {
  const dv = u64(a.value - b.value);
  const mu = (u64(dv + a.mask) ^ u64(dv - b.mask)) | a.mask | b.mask;
  return tnum(dv & ~mu & U64, mu);
}

export const neg = (a: Tnum): Tnum => sub(constant(0n), a);

export function and(a: Tnum, b: Tnum): Tnum {
  const v = a.value & b.value;
  return tnum(v, (a.value | a.mask) & (b.value | b.mask) & ~v & U64);
}

export function or(a: Tnum, b: Tnum): Tnum {
  const v = a.value | b.value;
  return tnum(v, (a.mask | b.mask) & ~v & U64);
}

export function xor(a: Tnum, b: Tnum): Tnum {
  const mu = a.mask | b.mask;
  return tnum((a.value ^ b.value) & ~mu & U64, mu);
}

/** Product: the sum of the values is exact, unknown bits are accumulated apart (since v5.14, up to 6.17). */
export function mulBySums(a: Tnum, b: Tnum): Tnum {
  let acc = tnum(0n, 0n);
  const product = constant(a.value * b.value);
  for (; a.value || a.mask; a = rshift(a, 1), b = lshift(b, 1)) {
    if (a.value & 1n) acc = add(acc, tnum(0n, b.mask));
    else if (a.mask & 1n) acc = add(acc, tnum(0n, b.value | b.mask));
  }
  return add(product, acc);
}

/** Product by long multiplication: an unknown bit of `a` gives the union of both cases (since 6.18). */
export function mulByUnion(a: Tnum, b: Tnum): Tnum {
  let acc = tnum(0n, 0n);
  for (; a.value || a.mask; a = rshift(a, 1), b = lshift(b, 1)) {
    if (a.value & 1n) acc = add(acc, b);
    else if (a.mask & 1n) acc = union(acc, add(acc, b));
  }
  return acc;
}

/** Whether some value is in both. */
export function overlap(a: Tnum, b: Tnum): boolean {
  const known = ~a.mask & ~b.mask & U64;
  return (a.value & known) === (b.value & known);
}

export function intersect(a: Tnum, b: Tnum): Tnum {
  const mu = a.mask & b.mask;
  return tnum((a.value | b.value) & ~mu & U64, mu);
}

export function union(a: Tnum, b: Tnum): Tnum {
  const mu = (a.value ^ b.value) | a.mask | b.mask;
  return tnum(a.value & b.value & ~mu & U64, mu);
}

/** The low `bytes` bytes, zero-extended. */
export function cast(a: Tnum, bytes: number): Tnum {
  const m = (1n << BigInt(8 * bytes)) - 1n;
  return tnum(a.value & m, a.mask & m);
}

export const subreg = (a: Tnum): Tnum => tnum(a.value & U32, a.mask & U32);
export const clearSubreg = (a: Tnum): Tnum => tnum(a.value & ~U32 & U64, a.mask & ~U32 & U64);
export const withSubreg = (a: Tnum, low: Tnum): Tnum => or(clearSubreg(a), subreg(low));

export const isConst = (a: Tnum): boolean => a.mask === 0n;
export const isSubregConst = (a: Tnum): boolean => (a.mask & U32) === 0n;

/** Whether every value of b is in a. */
export function contains(a: Tnum, b: Tnum): boolean {
  if (b.mask & ~a.mask & U64) return false;
  return a.value === (b.value & ~a.mask & U64);
}

/** Bytes reversed in the low `bits` bits, zero above. */
export function bswap(a: Tnum, bits: number): Tnum {
  const swap = (v: bigint) => {
    let r = 0n;
    for (let i = 0; i < bits; i += 8) r = (r << 8n) | ((v >> BigInt(i)) & 0xffn);
    return r;
  };
  return tnum(swap(a.value), swap(a.mask));
}

/** The smallest member of t that is larger than z; the largest member when there is none. */
export function step(t: Tnum, z: bigint): bigint {
  const max = t.value | t.mask;
  if (z >= max) return max;
  if (z < t.value) return t.value;
  const d = z - t.value;
  const carry = (1n << BigInt(fls64(d & ~t.mask & U64))) - 1n;
  const filled = d | carry | (~t.mask & U64);
  return t.value | (u64(filled + 1n) & t.mask);
}
