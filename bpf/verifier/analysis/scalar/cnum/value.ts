import type { Scalar } from "../domain.ts";
import * as T from "../tnum.ts";
import { C32, C64, type Cnum, intersectLow, low } from "./cnum.ts";

/** A scalar as 7.2 keeps it: the bits, an arc of the whole, an arc of the low half; the eight bounds are read off them. */
export interface Arcs extends Scalar {
  readonly r64: Cnum;
  readonly r32: Cnum;
}

/** An Arcs value while it is computed. */
export interface Draft {
  varOff: T.Tnum;
  r64: Cnum;
  r32: Cnum;
}

export const draft = (s: Scalar): Draft => ({ varOff: s.varOff, r64: (s as Arcs).r64, r32: (s as Arcs).r32 });

export function seal({ varOff, r64, r32 }: Draft): Arcs {
  return {
    varOff,
    r64,
    r32,
    umin: C64.umin(r64),
    umax: C64.umax(r64),
    smin: C64.smin(r64),
    smax: C64.smax(r64),
    u32min: Number(C32.umin(r32)),
    u32max: Number(C32.umax(r32)),
    s32min: Number(C32.smin(r32)),
    s32max: Number(C32.smax(r32)),
  };
}

export const UNKNOWN: Arcs = seal({ varOff: T.unknown, r64: C64.UNBOUNDED, r32: C32.UNBOUNDED });

export function known(d: Draft, value: bigint): Draft {
  d.varOff = T.constant(value);
  d.r64 = { base: T.u64(value), size: 0n };
  d.r32 = { base: value & T.U32, size: 0n };
  return d;
}

export function known32(d: Draft, value: bigint): Draft {
  d.varOff = T.withSubreg(d.varOff, T.constant(value & T.U32));
  d.r32 = { base: value & T.U32, size: 0n };
  return d;
}

export function updateBounds32(d: Draft): void {
  const { value, mask } = T.subreg(d.varOff);
  const sign = 0x80000000n;
  const bound =
    (mask | value) & sign
      ? C32.fromS(value | (mask & sign), value | (mask & (sign - 1n)))
      : C32.fromU(value, value | mask);
  d.r32 = C32.intersect(d.r32, bound);
}

/** Bits and bounds that have a single value in common leave that value. */
function onlyValue(d: Draft): bigint | null {
  const [umin, umax] = [C64.umin(d.r64), C64.umax(d.r64)];
  const next = T.step(d.varOff, umin);
  const has = (umin & ~d.varOff.mask & T.U64) === d.varOff.value;
  const top = d.varOff.value | d.varOff.mask;
  if (has) return next > umax ? umin : null;
  if (next === top) return top;
  return next <= umax && T.step(d.varOff, next) > umax ? next : null;
}

export function updateBounds64(d: Draft): void {
  const { value, mask } = d.varOff;
  const sign = 1n << 63n;
  const bound =
    (mask | value) & sign
      ? C64.fromS(value | (mask & sign), value | (mask & (sign - 1n)))
      : C64.fromU(value, value | mask);
  d.r64 = C64.intersect(d.r64, bound);
  const only = onlyValue(d);
  if (only !== null) known(d, only);
}

export function updateBounds(d: Draft): void {
  updateBounds32(d);
  updateBounds64(d);
}

export const isImpossible = (d: Draft): boolean => C32.isEmpty(d.r32) || C64.isEmpty(d.r64);

/** reg_bounds_sync of 7.2. */
export function sync(d: Draft): Draft {
  if (isImpossible(d)) return d;
  updateBounds(d);
  for (let i = 0; i < 2; i++) {
    d.r32 = C32.intersect(d.r32, low(d.r64));
    d.r64 = intersectLow(d.r64, d.r32);
  }
  const whole = T.intersect(d.varOff, T.range(C64.umin(d.r64), C64.umax(d.r64)));
  const half = T.intersect(T.subreg(whole), T.range(C32.umin(d.r32), C32.umax(d.r32)));
  d.varOff = T.or(T.clearSubreg(whole), half);
  updateBounds(d);
  return d;
}

/** reg_bounds_sanity_check: what cannot be is forgotten. */
export function sane(d: Draft): Draft {
  const { value, mask } = d.varOff;
  const broken =
    isImpossible(d) ||
    (mask === 0n && (d.r64.size !== 0n || d.r64.base !== value)) ||
    ((mask & T.U32) === 0n && (d.r32.size !== 0n || d.r32.base !== (value & T.U32)));
  if (broken) {
    d.r64 = C64.UNBOUNDED;
    d.r32 = C32.UNBOUNDED;
  }
  return d;
}
