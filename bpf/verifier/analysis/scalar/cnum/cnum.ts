/**
 * Circular numbers (kernel/bpf/cnum.c, 7.2): `size` + 1 consecutive values from `base`, wrapping at the width. One arc stands for an
 * unsigned and a signed range at once.
 */
export interface Cnum {
  readonly base: bigint;
  readonly size: bigint;
}

/** The operations for one width. */
export function cnums(bits: 32 | 64) {
  const MAX = (1n << BigInt(bits)) - 1n;
  const S_MIN = -(1n << BigInt(bits - 1));
  const S_MAX = -S_MIN - 1n;
  const u = (v: bigint) => v & MAX;
  const s = (v: bigint) => BigInt.asIntN(bits, v);

  const UNBOUNDED: Cnum = { base: 0n, size: MAX };
  const EMPTY: Cnum = { base: MAX, size: MAX };
  const isEmpty = (c: Cnum): boolean => c.base === MAX && c.size === MAX;
  const wraps = (c: Cnum): boolean => c.base + c.size > MAX;
  const contains = (c: Cnum, v: bigint): boolean => !isEmpty(c) && u(v - c.base) <= c.size;
  const crossesSign = (c: Cnum): boolean => contains(c, S_MAX) && contains(c, u(S_MIN));

  const fromU = (min: bigint, max: bigint): Cnum => ({ base: u(min), size: u(max - min) });
  function fromS(min: bigint, max: bigint): Cnum {
    const size = u(max - min);
    return { base: size === MAX ? 0n : u(min), size };
  }

  const normalize = (c: Cnum): Cnum => (c.size === MAX && c.base !== 0n && c.base !== S_MAX ? UNBOUNDED : c);

  /** What is in both; when that is two arcs, the smaller operand. */
  function intersect(a: Cnum, b: Cnum): Cnum {
    if (isEmpty(a) || isEmpty(b)) return EMPTY;
    if (a.base > b.base) [a, b] = [b, a];
    const at = b.base - a.base;
    if (at + b.size > MAX) {
      if (at <= a.size) return a.size <= b.size ? a : b;
      const tail = u(at + b.size);
      return { base: a.base, size: a.size < tail ? a.size : tail };
    }
    if (a.size < at) return EMPTY;
    const rest = a.size - at;
    return { base: b.base, size: rest < b.size ? rest : b.size };
  }

  function add(a: Cnum, b: Cnum): Cnum {
    if (isEmpty(a) || isEmpty(b)) return EMPTY;
    return a.size > MAX - b.size ? UNBOUNDED : normalize({ base: u(a.base + b.base), size: a.size + b.size });
  }

  const negate = (a: Cnum): Cnum => (isEmpty(a) ? EMPTY : normalize({ base: u(-(a.base + a.size)), size: a.size }));

  const umin = (c: Cnum): bigint => (wraps(c) ? 0n : c.base);
  const umax = (c: Cnum): bigint => (wraps(c) ? MAX : c.base + c.size);
  function smin(c: Cnum): bigint {
    if (crossesSign(c)) return S_MIN;
    const [x, y] = [s(c.base), s(c.base + c.size)];
    return x < y ? x : y;
  }
  function smax(c: Cnum): bigint {
    if (crossesSign(c)) return S_MAX;
    const [x, y] = [s(c.base), s(c.base + c.size)];
    return x > y ? x : y;
  }

  return {
    MAX,
    S_MIN,
    S_MAX,
    UNBOUNDED,
    EMPTY,
    isEmpty,
    wraps,
    contains,
    fromU,
    fromS,
    intersect,
    add,
    negate,
    umin,
    umax,
    smin,
    smax,
  };
}

export const C64 = cnums(64);
export const C32 = cnums(32);

const U32 = 0xffffffffn;

export const low = (c: Cnum): Cnum => {
  if (C64.isEmpty(c)) return C32.EMPTY;
  return c.size >= U32 ? C32.UNBOUNDED : { base: c.base & U32, size: c.size };
};

/** The values of a whose low halves are in b, as one arc. */
export function intersectLow(a: Cnum, b: Cnum): Cnum {
  if (C64.isEmpty(a) || C32.isEmpty(b)) return C64.EMPTY;
  // turned so that a starts at a multiple of 2^32
  const from = (b.base - (a.base & U32)) & U32;
  const end = a.size & U32;
  if (from + b.size > U32) {
    const tail = (from + b.size) & U32;
    return end > tail && end < from ? { base: a.base, size: a.size - (end - tail) } : a;
  }
  if (a.size < from) return C64.EMPTY;
  const to = from + b.size;
  let cut = 0n;
  if (end < from) cut = end + (1n << 32n) - to;
  else if (end >= to) cut = end - to;
  const size = a.size - from;
  return size < cut ? C64.EMPTY : { base: C64.MAX & (a.base + from), size: size - cut };
}
