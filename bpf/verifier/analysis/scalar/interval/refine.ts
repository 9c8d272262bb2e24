import * as O from "../../../../opcode.ts";
import { flip, NOT_JSET, reverse } from "../compare.ts";
import { constantValue, isConstantIn, type Refined, type Scalar } from "../domain.ts";
import * as T from "../tnum.ts";
import { type Draft, draft, max, min, sane, sync, unbound32, unbound64 } from "./bounds.ts";
import type { IntervalFeatures } from "./features.ts";

const isPowerOf2 = (v: bigint): boolean => v !== 0n && (v & (v - 1n)) === 0n;

function equal(a: Draft, b: Draft, is32: boolean): void {
  if (is32) {
    a.u32min = b.u32min = Math.max(a.u32min, b.u32min);
    a.u32max = b.u32max = Math.min(a.u32max, b.u32max);
    a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
    a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
    const low = T.intersect(T.subreg(a.varOff), T.subreg(b.varOff));
    a.varOff = T.withSubreg(a.varOff, low);
    b.varOff = T.withSubreg(b.varOff, low);
  } else {
    a.umin = b.umin = max(a.umin, b.umin);
    a.umax = b.umax = min(a.umax, b.umax);
    a.smin = b.smin = max(a.smin, b.smin);
    a.smax = b.smax = min(a.smax, b.smax);
    a.varOff = b.varOff = T.intersect(a.varOff, b.varOff);
  }
}

/** A constant at the edge of the range moves the edge. */
function notEqual(a: Draft, value: bigint, is32: boolean): void {
  if (is32) {
    const [u, s] = [Number(value), Number(value) | 0];
    if (a.u32min === u) a.u32min = (u + 1) >>> 0;
    if (a.u32max === u) a.u32max = (u - 1) >>> 0;
    if (a.s32min === s) a.s32min = (s + 1) | 0;
    if (a.s32max === s) a.s32max = (s - 1) | 0;
  } else {
    const s = T.s64(value);
    if (a.umin === value) a.umin = T.u64(value + 1n);
    if (a.umax === value) a.umax = T.u64(value - 1n);
    if (a.smin === s) a.smin = T.s64(s + 1n);
    if (a.smax === s) a.smax = T.s64(s - 1n);
  }
}

/** Bits that a true (false) BPF_JSET of a constant tells. */
export function jset(varOff: T.Tnum, value: bigint, is32: boolean, set: boolean): T.Tnum {
  if (set && !isPowerOf2(value)) return varOff;
  const bits = set ? T.constant(value) : T.constant(~value);
  const combine = set ? T.or : T.and;
  return is32 ? T.withSubreg(varOff, combine(T.subreg(varOff), bits)) : combine(varOff, bits);
}

/** regs_refine_cond_op(): what `a op b` being true says. a and b may be one register. */
function refineOne(op: number, is32: boolean, a: Draft, b: Draft): void {
  if (op === O.BPF_JGE || op === O.BPF_JGT || op === O.BPF_JSGE || op === O.BPF_JSGT) {
    op = flip[op];
    [a, b] = [b, a];
  }
  if (op === O.BPF_JNE || op === O.BPF_JSET || op === NOT_JSET) {
    if (!isConstantIn(b, is32)) [a, b] = [b, a];
    if (!isConstantIn(b, is32)) return;
    const value = constantValue(b, is32);
    if (op === O.BPF_JNE) return notEqual(a, value, is32);
    // the ranges of a dead branch may contradict the bits
    if (op === NOT_JSET) unbound32(unbound64(a));
    a.varOff = jset(a.varOff, value, is32, op === O.BPF_JSET);
    return;
  }
  const strict = op === O.BPF_JLT || op === O.BPF_JSLT ? 1 : 0;
  switch (op) {
    case O.BPF_JEQ:
      return equal(a, b, is32);
    case O.BPF_JLE:
    case O.BPF_JLT:
      if (is32) {
        a.u32max = Math.min(a.u32max, (b.u32max - strict) >>> 0);
        b.u32min = Math.max((a.u32min + strict) >>> 0, b.u32min);
      } else {
        a.umax = min(a.umax, T.u64(b.umax - BigInt(strict)));
        b.umin = max(T.u64(a.umin + BigInt(strict)), b.umin);
      }
      return;
    case O.BPF_JSLE:
    case O.BPF_JSLT:
      if (is32) {
        a.s32max = Math.min(a.s32max, (b.s32max - strict) | 0);
        b.s32min = Math.max((a.s32min + strict) | 0, b.s32min);
      } else {
        a.smax = min(a.smax, T.s64(b.smax - BigInt(strict)));
        b.smin = max(T.s64(a.smin + BigInt(strict)), b.smin);
      }
  }
}

/** reg_set_min_max() since 6.8. */
export function refineRanges(
  op: number,
  is32: boolean,
  a: Scalar,
  b: Scalar,
  same: boolean,
  era: IntervalFeatures,
): Refined {
  const side = (by: number): [Scalar, Scalar] => {
    const x = draft(a);
    const y = same ? x : draft(b);
    refineOne(by, is32, x, y);
    sync(x, era);
    sync(y, era);
    sane(x, era);
    sane(y, era);
    return [x, y];
  };
  if (same && era.sameRegister) return { taken: [a, b], fallthrough: [a, b] };
  const fallthrough = side(reverse[op]);
  return { taken: side(op), fallthrough };
}
