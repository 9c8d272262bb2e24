import * as T from "../tnum.ts";
import { type Draft, max, min, S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, unbound32, unbound64 } from "./bounds.ts";

// Division and remainder by a constant other than 0 (7.0), in one width: the other width is read off the result by reg_bounds_sync().

/** Truncating division of a signed range by a constant. MIN / -1 is MIN: then a range of more than MIN tells nothing. */
export function sdivRange(lo: bigint, hi: bigint, by: bigint, lowest: bigint, highest: bigint): [bigint, bigint] {
  if (lo === lowest && by === -1n) return hi === lowest ? [lowest, lowest] : [lowest, highest];
  const [a, b] = [lo / by, hi / by];
  return [min(a, b), max(a, b)];
}

/** Remainder of a signed range by a constant; null: the range is its own remainder. */
export function smodRange(lo: bigint, hi: bigint, by: bigint): [bigint, bigint] | null {
  const most = (by > 0n ? by : -by) - 1n;
  if (lo >= -most && hi <= most) return null;
  if (lo >= 0n) return [0n, min(hi, most)];
  if (hi <= 0n) return [max(lo, -most), 0n];
  return [-most, most];
}

export function udiv(d: Draft, by: bigint, is32: boolean): void {
  if (is32) {
    d.u32min = Math.floor(d.u32min / Number(by));
    d.u32max = Math.floor(d.u32max / Number(by));
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    unbound64(d);
  } else {
    d.umin /= by;
    d.umax /= by;
    d.smin = S64_MIN;
    d.smax = S64_MAX;
    unbound32(d);
  }
  d.varOff = T.unknown;
}

export function umod(d: Draft, by: bigint, is32: boolean): void {
  if ((is32 ? BigInt(d.u32max) : d.umax) < by) return;
  if (is32) {
    d.u32min = 0;
    d.u32max = Math.min(d.u32max, Number(by) - 1);
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    unbound64(d);
  } else {
    d.umin = 0n;
    d.umax = min(d.umax, by - 1n);
    d.smin = S64_MIN;
    d.smax = S64_MAX;
    unbound32(d);
  }
  d.varOff = T.unknown;
}

function setSigned(d: Draft, [lo, hi]: [bigint, bigint], is32: boolean): void {
  if (is32) {
    d.s32min = Number(lo);
    d.s32max = Number(hi);
    d.u32min = 0;
    d.u32max = U32_MAX;
    unbound64(d);
  } else {
    d.smin = lo;
    d.smax = hi;
    d.umin = 0n;
    d.umax = T.U64;
    unbound32(d);
  }
  d.varOff = T.unknown;
}

export function sdiv(d: Draft, by: bigint, is32: boolean): void {
  const range = is32
    ? sdivRange(BigInt(d.s32min), BigInt(d.s32max), by, BigInt(S32_MIN), BigInt(S32_MAX))
    : sdivRange(d.smin, d.smax, by, S64_MIN, S64_MAX);
  setSigned(d, range, is32);
}

export function smod(d: Draft, by: bigint, is32: boolean): void {
  const range = is32 ? smodRange(BigInt(d.s32min), BigInt(d.s32max), by) : smodRange(d.smin, d.smax, by);
  if (range) setSigned(d, range, is32);
}
