import * as O from "../../../../opcode.ts";
import { flip } from "../compare.ts";
import { constantValue, isConstant, isConstantIn, type Refined, type Scalar } from "../domain.ts";
import * as T from "../tnum.ts";
import {
  assign32Into64,
  type Draft,
  draft,
  known,
  known32,
  max,
  min,
  S32_MAX,
  S32_MIN,
  sync,
  unbound32,
  unbound64,
} from "./bounds.ts";
import type { IntervalFeatures } from "./features.ts";
import { jset } from "./refine.ts";

/** __reg_combine_32_into_64: 64-bit bounds from the low half, when the upper half is known to be 0. */
function combine32Into64(d: Draft, era: IntervalFeatures): void {
  if (T.clearSubreg(d.varOff).mask === 0n && T.clearSubreg(d.varOff).value === 0n) assign32Into64(d);
  else unbound64(d);
  sync(d, era);
}

/** __reg_combine_64_into_32: bounds of the low half, where the 64-bit ones fit. */
export function combine64Into32(d: Draft, era: IntervalFeatures): void {
  unbound32(d);
  const fits = (v: bigint) => v >= BigInt(S32_MIN) && v <= BigInt(S32_MAX);
  if (fits(d.smin) && fits(d.smax)) {
    d.s32min = Number(d.smin);
    d.s32max = Number(d.smax);
  }
  if (d.umax <= T.U32) {
    d.u32min = Number(d.umin);
    d.u32max = Number(d.umax);
  }
  sync(d, era);
}

function narrowAbove(d: Draft, value: bigint, is32: boolean, signed: boolean): void {
  if (is32 && signed) d.s32max = Math.min(d.s32max, Number(BigInt.asIntN(32, value)));
  else if (is32) d.u32max = Math.min(d.u32max, Number(BigInt.asUintN(32, value)));
  else if (signed) d.smax = min(d.smax, T.s64(value));
  else d.umax = min(d.umax, T.u64(value));
}

function narrowBelow(d: Draft, value: bigint, is32: boolean, signed: boolean): void {
  if (is32 && signed) d.s32min = Math.max(d.s32min, Number(BigInt.asIntN(32, value)));
  else if (is32) d.u32min = Math.max(d.u32min, Number(BigInt.asUintN(32, value)));
  else if (signed) d.smin = max(d.smin, T.s64(value));
  else d.umin = max(d.umin, T.u64(value));
}

/** reg_set_min_max() up to 6.7: `reg op value` in both branches. value: the 64-bit constant, its low half for 32 bits. */
function setMinMax(yes: Draft, no: Draft, value: bigint, op: number, is32: boolean, era: IntervalFeatures): void {
  const signed = op === O.BPF_JSGE || op === O.BPF_JSGT || op === O.BPF_JSLE || op === O.BPF_JSLT;
  switch (op) {
    case O.BPF_JEQ:
    case O.BPF_JNE: {
      const d = op === O.BPF_JEQ ? yes : no;
      if (is32) known32(d, value);
      else known(d, value);
      break;
    }
    case O.BPF_JSET:
      unbound32(unbound64(no));
      no.varOff = jset(no.varOff, value, is32, false);
      yes.varOff = jset(yes.varOff, value, is32, true);
      break;
    case O.BPF_JGE:
    case O.BPF_JSGE:
      narrowAbove(no, value - 1n, is32, signed);
      narrowBelow(yes, value, is32, signed);
      break;
    case O.BPF_JGT:
    case O.BPF_JSGT:
      narrowAbove(no, value, is32, signed);
      narrowBelow(yes, value + 1n, is32, signed);
      break;
    case O.BPF_JLE:
    case O.BPF_JSLE:
      narrowBelow(no, value + 1n, is32, signed);
      narrowAbove(yes, value, is32, signed);
      break;
    case O.BPF_JLT:
    case O.BPF_JSLT:
      narrowBelow(no, value, is32, signed);
      narrowAbove(yes, value - 1n, is32, signed);
      break;
  }
  const combine = is32 ? combine32Into64 : combine64Into32;
  combine(no, era);
  combine(yes, era);
}

/** __reg_combine_min_max: both registers are equal. */
function combineMinMax(a: Draft, b: Draft, era: IntervalFeatures): void {
  a.umin = b.umin = max(a.umin, b.umin);
  a.umax = b.umax = min(a.umax, b.umax);
  a.smin = b.smin = max(a.smin, b.smin);
  a.smax = b.smax = min(a.smax, b.smax);
  a.varOff = b.varOff = T.intersect(a.varOff, b.varOff);
  sync(a, era);
  sync(b, era);
}

/** The scalar part of check_cond_jmp_op() up to 6.7: one side must be constant, or both compared for equality in 64 bits. */
export function refineConstant(
  op: number,
  is32: boolean,
  a: Scalar,
  b: Scalar,
  same: boolean,
  era: IntervalFeatures,
): Refined {
  const constantIn = (s: Scalar) => isConstant(s) || (is32 && isConstantIn(s, true));
  const yes: [Draft, Draft] = [draft(a), draft(b)];
  const no: [Draft, Draft] = [draft(a), draft(b)];
  if (same) {
    yes[1] = yes[0];
    no[1] = no[0];
  }
  if (constantIn(b)) setMinMax(yes[0], no[0], constantValue(b, is32), op, is32, era);
  else if (constantIn(a)) setMinMax(yes[1], no[1], constantValue(a, is32), flip[op], is32, era);
  else if (!is32 && op === O.BPF_JEQ) combineMinMax(yes[1], yes[0], era);
  else if (!is32 && op === O.BPF_JNE) combineMinMax(no[1], no[0], era);
  return { taken: yes, fallthrough: no };
}
