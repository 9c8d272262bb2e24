import * as T from "../tnum.ts";
import { type Draft, max, min, S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, unbound32, unbound64 } from "./bounds.ts";
import type { IntervalFeatures } from "./features.ts";

const outS32 = (v: number): boolean => v < S32_MIN || v > S32_MAX;
const outS64 = (v: bigint): boolean => v < S64_MIN || v > S64_MAX;

function setS32(d: Draft, lo: number, hi: number): void {
  const lost = outS32(lo) || outS32(hi);
  d.s32min = lost ? S32_MIN : lo;
  d.s32max = lost ? S32_MAX : hi;
}

function setS64(d: Draft, lo: bigint, hi: bigint): void {
  const lost = outS64(lo) || outS64(hi);
  d.smin = lost ? S64_MIN : lo;
  d.smax = lost ? S64_MAX : hi;
}

/** Unsigned bounds of a sum or difference. Both ends out of range wrap alike (6.17); one end out of range tells nothing. */
function setU32(d: Draft, lo: number, hi: number, era: IntervalFeatures): void {
  const wrapsLo = lo < 0 || lo > U32_MAX;
  const wrapsHi = hi < 0 || hi > U32_MAX;
  const lost = era.partialOverflow ? wrapsLo !== wrapsHi : wrapsLo || wrapsHi;
  d.u32min = lost ? 0 : lo >>> 0;
  d.u32max = lost ? U32_MAX : hi >>> 0;
}

function setU64(d: Draft, lo: bigint, hi: bigint, era: IntervalFeatures): void {
  const wrapsLo = lo < 0n || lo > T.U64;
  const wrapsHi = hi < 0n || hi > T.U64;
  const lost = era.partialOverflow ? wrapsLo !== wrapsHi : wrapsLo || wrapsHi;
  d.umin = lost ? 0n : T.u64(lo);
  d.umax = lost ? T.U64 : T.u64(hi);
}

export function add(d: Draft, s: Draft, era: IntervalFeatures): void {
  setS32(d, d.s32min + s.s32min, d.s32max + s.s32max);
  setU32(d, d.u32min + s.u32min, d.u32max + s.u32max, era);
  setS64(d, d.smin + s.smin, d.smax + s.smax);
  setU64(d, d.umin + s.umin, d.umax + s.umax, era);
  d.varOff = T.add(d.varOff, s.varOff);
}

export function sub(d: Draft, s: Draft, era: IntervalFeatures): void {
  setS32(d, d.s32min - s.s32max, d.s32max - s.s32min);
  setU32(d, d.u32min - s.u32max, d.u32max - s.u32min, era);
  setS64(d, d.smin - s.smax, d.smax - s.smin);
  setU64(d, d.umin - s.umax, d.umax - s.umin, era);
  d.varOff = T.sub(d.varOff, s.varOff);
}

/** Bounds of non-negative factors that cannot overflow half the width, else nothing: up to 6.14. */
function mulPositive(d: Draft, s: Draft): void {
  if (s.s32min < 0 || d.s32min < 0 || s.u32max > 0xffff || d.u32max > 0xffff) unbound32(d);
  else {
    d.u32min *= s.u32min;
    d.u32max *= s.u32max;
    const fits = d.u32max <= S32_MAX;
    d.s32min = fits ? d.u32min : S32_MIN;
    d.s32max = fits ? d.u32max : S32_MAX;
  }
  if (s.smin < 0n || d.smin < 0n || s.umax > T.U32 || d.umax > T.U32) unbound64(d);
  else {
    d.umin *= s.umin;
    d.umax *= s.umax;
    const fits = d.umax <= S64_MAX;
    d.smin = fits ? d.umin : S64_MIN;
    d.smax = fits ? d.umax : S64_MAX;
  }
}

/** Bounds from all four products, unless one overflows: since 6.15. */
function mulSigned(d: Draft, s: Draft): void {
  const u32 = [BigInt(d.u32min) * BigInt(s.u32min), BigInt(d.u32max) * BigInt(s.u32max)];
  const fits32 = u32[1] <= T.U32;
  d.u32min = fits32 ? Number(u32[0]) : 0;
  d.u32max = fits32 ? Number(u32[1]) : U32_MAX;
  const s32 = [d.s32min, d.s32max].flatMap((a) => [s.s32min, s.s32max].map((b) => a * b));
  const lost32 = s32.some(outS32);
  d.s32min = lost32 ? S32_MIN : Math.min(...s32) + 0;
  d.s32max = lost32 ? S32_MAX : Math.max(...s32) + 0;
  const u64 = [d.umin * s.umin, d.umax * s.umax];
  const fits64 = u64[1] <= T.U64;
  d.umin = fits64 ? u64[0] : 0n;
  d.umax = fits64 ? u64[1] : T.U64;
  const s64 = [d.smin, d.smax].flatMap((a) => [s.smin, s.smax].map((b) => a * b));
  const lost64 = s64.some(outS64);
  d.smin = lost64 ? S64_MIN : s64.reduce(min);
  d.smax = lost64 ? S64_MAX : s64.reduce(max);
}

export function mul(d: Draft, s: Draft, era: IntervalFeatures): void {
  d.varOff = era.tnumMul === "union" ? T.mulByUnion(d.varOff, s.varOff) : T.mulBySums(d.varOff, s.varOff);
  if (era.mul === "signed") mulSigned(d, s);
  else mulPositive(d, s);
}
