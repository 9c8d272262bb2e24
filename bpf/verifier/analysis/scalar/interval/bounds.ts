import type { Scalar } from "../domain.ts";
import * as T from "../tnum.ts";
import type { IntervalFeatures } from "./features.ts";

/** A scalar while it is computed. */
export type Draft = { -readonly [K in keyof Scalar]: Scalar[K] };

export const S64_MIN = -(1n << 63n);
export const S64_MAX = (1n << 63n) - 1n;
export const S32_MIN = -0x80000000;
export const S32_MAX = 0x7fffffff;
export const U32_MAX = 0xffffffff;

export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
/** Low half of a 64-bit number, as unsigned and as signed 32 bits. */
export const lowU32 = (v: bigint): number => Number(v & T.U32);
export const lowS32 = (v: bigint): number => Number(BigInt.asIntN(32, v));

export const draft = (s: Scalar): Draft => ({ ...s });

export function known(d: Draft, value: bigint): Draft {
  const v = T.u64(value);
  d.varOff = T.constant(v);
  d.umin = d.umax = v;
  d.smin = d.smax = T.s64(v);
  d.u32min = d.u32max = lowU32(v);
  d.s32min = d.s32max = lowS32(v);
  return d;
}

/** The low half is known, the upper half stays. */
export function known32(d: Draft, value: bigint): Draft {
  d.varOff = T.withSubreg(d.varOff, T.constant(value & T.U32));
  d.u32min = d.u32max = lowU32(value);
  d.s32min = d.s32max = lowS32(value);
  return d;
}

export function unbound64(d: Draft): Draft {
  d.umin = 0n;
  d.umax = T.U64;
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  return d;
}

export function unbound32(d: Draft): Draft {
  d.u32min = 0;
  d.u32max = U32_MAX;
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  return d;
}

export const UNKNOWN: Scalar = Object.freeze(unbound32(unbound64({ varOff: T.unknown } as Draft)));

/** __update_reg32_bounds: what the known bits say about the bounds of the low half. */
export function updateBounds32(d: Draft): void {
  const { value, mask } = T.subreg(d.varOff);
  d.s32min = Math.max(d.s32min, lowS32(value | (mask & 0x80000000n)));
  d.s32max = Math.min(d.s32max, lowS32(value | (mask & 0x7fffffffn)));
  d.u32min = Math.max(d.u32min, Number(value));
  d.u32max = Math.min(d.u32max, Number(value | mask));
}

export function updateBounds64(d: Draft): void {
  const { value, mask } = d.varOff;
  d.smin = max(d.smin, T.s64(value | (mask & (1n << 63n))));
  d.smax = min(d.smax, T.s64(value | (mask & ((1n << 63n) - 1n))));
  d.umin = max(d.umin, value);
  d.umax = min(d.umax, value | mask);
}

export function updateBounds(d: Draft): void {
  updateBounds32(d);
  updateBounds64(d);
}

/** Signed and unsigned bounds of one width say the same when neither crosses its wrap: the rule up to 6.7. */
function deduceBySign(d: Draft): void {
  if (d.s32min >= 0 || d.s32max < 0) {
    d.u32min = Math.max(d.s32min >>> 0, d.u32min);
    d.u32max = Math.min(d.s32max >>> 0, d.u32max);
    d.s32min = d.u32min | 0;
    d.s32max = d.u32max | 0;
  } else if ((d.u32max | 0) >= 0) {
    d.s32min = d.u32min | 0;
    d.u32max = Math.min(d.s32max >>> 0, d.u32max);
    d.s32max = d.u32max | 0;
  } else if ((d.u32min | 0) < 0) {
    d.u32min = Math.max(d.s32min >>> 0, d.u32min);
    d.s32min = d.u32min | 0;
    d.s32max = d.u32max | 0;
  }
  if (d.smin >= 0n || d.smax < 0n) {
    d.umin = max(T.u64(d.smin), d.umin);
    d.umax = min(T.u64(d.smax), d.umax);
    d.smin = T.s64(d.umin);
    d.smax = T.s64(d.umax);
  } else if (T.s64(d.umax) >= 0n) {
    d.smin = T.s64(d.umin);
    d.umax = min(T.u64(d.smax), d.umax);
    d.smax = T.s64(d.umax);
  } else if (T.s64(d.umin) < 0n) {
    d.umin = max(T.u64(d.smin), d.umin);
    d.smin = T.s64(d.umin);
    d.smax = T.s64(d.umax);
  }
}

const upper = (v: bigint): bigint => BigInt.asUintN(32, v >> 32n);

function narrowS32(d: Draft, lo: number, hi: number): void {
  d.s32min = Math.max(d.s32min, lo);
  d.s32max = Math.min(d.s32max, hi);
}

function narrowU32(d: Draft, lo: number, hi: number): void {
  d.u32min = Math.max(d.u32min, lo);
  d.u32max = Math.min(d.u32max, hi);
}

function deduce32(d: Draft, era: IntervalFeatures): void {
  if (upper(d.umin) === upper(d.umax)) {
    narrowU32(d, lowU32(d.umin), lowU32(d.umax));
    if (lowS32(d.umin) <= lowS32(d.umax)) narrowS32(d, lowS32(d.umin), lowS32(d.umax));
  }
  if (upper(d.smin) === upper(d.smax)) {
    if (lowU32(d.smin) <= lowU32(d.smax)) narrowU32(d, lowU32(d.smin), lowU32(d.smax));
    if (lowS32(d.smin) <= lowS32(d.smax)) narrowS32(d, lowS32(d.smin), lowS32(d.smax));
  }
  // the upper half steps by one while the lower runs from negative to positive
  if (((upper(d.umin) + 1n) & T.U32) === upper(d.umax) && lowS32(d.umin) < 0 && lowS32(d.umax) >= 0)
    narrowS32(d, lowS32(d.umin), lowS32(d.umax));
  if (((upper(d.smin) + 1n) & T.U32) === upper(d.smax) && lowS32(d.smin) < 0 && lowS32(d.smax) >= 0)
    narrowS32(d, lowS32(d.smin), lowS32(d.smax));
  if ((d.u32min | 0) <= (d.u32max | 0)) narrowS32(d, d.u32min | 0, d.u32max | 0);
  if (d.s32min >>> 0 <= d.s32max >>> 0) {
    narrowU32(d, d.s32min >>> 0, d.s32max >>> 0);
  } else if (era.crossSign32) {
    if (d.u32max < d.s32min >>> 0) {
      d.s32min = d.u32min | 0;
      d.u32max = Math.min(d.u32max, d.s32max >>> 0);
    } else if (d.s32max >>> 0 < d.u32min) {
      d.s32max = d.u32max | 0;
      d.u32min = Math.max(d.u32min, d.s32min >>> 0);
    }
  }
}

function deduce64(d: Draft, era: IntervalFeatures): void {
  if (T.s64(d.umin) <= T.s64(d.umax)) {
    d.smin = max(d.smin, T.s64(d.umin));
    d.smax = min(d.smax, T.s64(d.umax));
  }
  if (T.u64(d.smin) <= T.u64(d.smax)) {
    d.umin = max(T.u64(d.smin), d.umin);
    d.umax = min(T.u64(d.smax), d.umax);
  } else if (era.crossSign64) {
    if (d.umax < T.u64(d.smin)) {
      d.smin = T.s64(d.umin);
      d.umax = min(d.umax, T.u64(d.smax));
    } else if (T.u64(d.smax) < d.umin) {
      d.smax = T.s64(d.umax);
      d.umin = max(d.umin, T.u64(d.smin));
    }
  }
}

/** The bounds of the whole with their low halves replaced. */
function embedLow(d: Draft, lo: number, hi: number): void {
  const put = (v: bigint, low: number) => (v & ~T.U32) | BigInt(low);
  const [umin, umax] = [put(d.umin, lo), put(d.umax, hi)];
  d.umin = max(d.umin, umin);
  d.umax = min(d.umax, umax);
  const [smin, smax] = [put(d.smin, lo), put(d.smax, hi)];
  d.smin = max(d.smin, smin);
  d.smax = min(d.smax, smax);
}

function deduceMixed(d: Draft): void {
  embedLow(d, d.u32min, d.u32max);
  if (d.s32min >>> 0 <= d.s32max >>> 0) embedLow(d, d.s32min >>> 0, d.s32max >>> 0);
  // a load that was sign-extended, then found to be not negative
  if (d.s32min >= 0 && d.smin >= BigInt(S32_MIN) && d.smax <= BigInt(S32_MAX)) {
    d.smin = BigInt(d.s32min);
    d.smax = BigInt(d.s32max);
    d.umin = T.u64(d.smin);
    d.umax = T.u64(d.smax);
    d.varOff = T.intersect(d.varOff, T.range(d.umin, d.umax));
  }
}

/** __reg_bound_offset: what the bounds say about the bits. */
function boundOffset(d: Draft): void {
  const whole = T.intersect(d.varOff, T.range(d.umin, d.umax));
  const low = T.intersect(T.subreg(whole), T.range(BigInt(d.u32min), BigInt(d.u32max)));
  d.varOff = T.or(T.clearSubreg(whole), low);
}

/** reg_bounds_sync: bits and bounds inform each other. */
export function sync(d: Draft, era: IntervalFeatures): Draft {
  updateBounds(d);
  for (let i = 0; i < era.rounds; i++) {
    if (era.deduce === "sign") {
      deduceBySign(d);
      continue;
    }
    deduce32(d, era);
    deduce64(d, era);
    deduceMixed(d);
  }
  boundOffset(d);
  updateBounds(d);
  return d;
}

/** reg_bounds_sanity_check (6.8): impossible bounds, as a dead branch leaves behind, are forgotten. */
export function sane(d: Draft, era: IntervalFeatures): Draft {
  if (era.deduce === "sign") return d;
  const { value, mask } = d.varOff;
  const broken =
    d.umin > d.umax ||
    d.smin > d.smax ||
    d.u32min > d.u32max ||
    d.s32min > d.s32max ||
    (mask === 0n && (d.umin !== value || d.umax !== value || d.smin !== T.s64(value) || d.smax !== T.s64(value))) ||
    ((mask & T.U32) === 0n &&
      (d.u32min !== lowU32(value) || d.u32max !== d.u32min || d.s32min !== lowS32(value) || d.s32max !== d.s32min));
  return broken ? unbound32(unbound64(d)) : d;
}

/** __reg_assign_32_into_64 after the bits were cut: zero extension. */
export function assign32Into64(d: Draft): void {
  d.umin = BigInt(d.u32min);
  d.umax = BigInt(d.u32max);
  if (d.s32min >= 0 && d.s32max >= 0) {
    d.smin = BigInt(d.s32min);
    d.smax = BigInt(d.s32max);
  } else {
    d.smin = 0n;
    d.smax = BigInt(U32_MAX);
  }
}

export function zext32(d: Draft): Draft {
  d.varOff = T.subreg(d.varOff);
  assign32Into64(d);
  return d;
}
