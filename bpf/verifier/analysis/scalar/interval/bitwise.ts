import { isConstant } from "../domain.ts";
import * as T from "../tnum.ts";
import { type Draft, known, known32, max, min, S32_MAX, S32_MIN, S64_MAX, S64_MIN, updateBounds } from "./bounds.ts";
import type { IntervalFeatures } from "./features.ts";

/** Signed bounds from the unsigned ones where those do not cross the sign. */
function signed32(d: Draft, era: IntervalFeatures, allowed: boolean): void {
  const ok = era.bitwiseSigned === "result" ? (d.u32min | 0) <= (d.u32max | 0) : allowed;
  d.s32min = ok ? d.u32min | 0 : S32_MIN;
  d.s32max = ok ? d.u32max | 0 : S32_MAX;
}

function signed64(d: Draft, era: IntervalFeatures, allowed: boolean): void {
  const ok = era.bitwiseSigned === "result" ? T.s64(d.umin) <= T.s64(d.umax) : allowed;
  d.smin = ok ? T.s64(d.umin) : S64_MIN;
  d.smax = ok ? T.s64(d.umax) : S64_MAX;
}

/** AND, OR and XOR; d.varOff already holds the result's bits. */
function bitwise(d: Draft, s: Draft, era: IntervalFeatures, u32: () => void, u64: () => void): void {
  const low = T.subreg(d.varOff);
  if (T.isSubregConst(s.varOff) && low.mask === 0n) known32(d, low.value);
  else {
    const positive = d.s32min >= 0 && s.s32min >= 0;
    u32();
    signed32(d, era, positive);
  }
  if (isConstant(s) && isConstant(d)) known(d, d.varOff.value);
  else {
    const positive = d.smin >= 0n && s.smin >= 0n;
    u64();
    signed64(d, era, positive);
    updateBounds(d);
  }
}

export function and(d: Draft, s: Draft, era: IntervalFeatures): void {
  d.varOff = T.and(d.varOff, s.varOff);
  bitwise(
    d,
    s,
    era,
    () => {
      d.u32min = Number(T.subreg(d.varOff).value);
      d.u32max = Math.min(d.u32max, s.u32max);
    },
    () => {
      d.umin = d.varOff.value;
      d.umax = min(d.umax, s.umax);
    },
  );
}

export function or(d: Draft, s: Draft, era: IntervalFeatures): void {
  d.varOff = T.or(d.varOff, s.varOff);
  bitwise(
    d,
    s,
    era,
    () => {
      const low = T.subreg(d.varOff);
      d.u32min = Math.max(d.u32min, s.u32min);
      d.u32max = Number(low.value | low.mask);
    },
    () => {
      d.umin = max(d.umin, s.umin);
      d.umax = d.varOff.value | d.varOff.mask;
    },
  );
}

export function xor(d: Draft, s: Draft, era: IntervalFeatures): void {
  d.varOff = T.xor(d.varOff, s.varOff);
  bitwise(
    d,
    s,
    era,
    () => {
      const low = T.subreg(d.varOff);
      d.u32min = Number(low.value);
      d.u32max = Number(low.value | low.mask);
    },
    () => {
      d.umin = d.varOff.value;
      d.umax = d.varOff.value | d.varOff.mask;
    },
  );
}
