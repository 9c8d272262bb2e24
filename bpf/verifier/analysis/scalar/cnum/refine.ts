import * as O from "../../../../opcode.ts";
import { flip, NOT_JSET, reverse } from "../compare.ts";
import type { Prediction, Refined, Scalar } from "../domain.ts";
import { jset } from "../interval/refine.ts";
import * as T from "../tnum.ts";
import { C32, C64, type Cnum } from "./cnum.ts";
import { type Draft, draft, isImpossible, sane, seal, sync } from "./value.ts";

const constantIn = (d: Draft, is32: boolean) => (is32 ? T.isSubregConst(d.varOff) : T.isConst(d.varOff));

function equal(a: Draft, b: Draft, is32: boolean): void {
  if (is32) {
    a.r32 = b.r32 = C32.intersect(a.r32, b.r32);
    const half = T.intersect(T.subreg(a.varOff), T.subreg(b.varOff));
    a.varOff = T.withSubreg(a.varOff, half);
    b.varOff = T.withSubreg(b.varOff, half);
  } else {
    a.r64 = b.r64 = C64.intersect(a.r64, b.r64);
    a.varOff = b.varOff = T.intersect(a.varOff, b.varOff);
  }
}

/** a <= b, or a < b when strict. */
function ordered(a: Draft, b: Draft, is32: boolean, signed: boolean, strict: bigint): void {
  const W = is32 ? C32 : C64;
  const wrap = (v: bigint) => (signed ? BigInt.asIntN(is32 ? 32 : 64, v) : v & W.MAX);
  const [of, lo, hi] = signed ? [W.fromS, W.S_MIN, W.S_MAX] : [W.fromU, 0n, W.MAX];
  const get = (d: Draft): Cnum => (is32 ? d.r32 : d.r64);
  const set = (d: Draft, c: Cnum) => {
    if (is32) d.r32 = c;
    else d.r64 = c;
  };
  set(a, W.intersect(get(a), of(lo, wrap((signed ? W.smax : W.umax)(get(b)) - strict))));
  set(b, W.intersect(get(b), of(wrap((signed ? W.smin : W.umin)(get(a)) + strict), hi)));
}

/** regs_refine_cond_op() on arcs. */
function refineOne(op: number, is32: boolean, a: Draft, b: Draft): void {
  if (op === O.BPF_JGE || op === O.BPF_JGT || op === O.BPF_JSGE || op === O.BPF_JSGT) {
    op = flip[op];
    [a, b] = [b, a];
  }
  if (op === O.BPF_JNE || op === O.BPF_JSET || op === NOT_JSET) {
    if (!constantIn(b, is32)) [a, b] = [b, a];
    if (!constantIn(b, is32)) return;
    const value = is32 ? b.varOff.value & T.U32 : b.varOff.value;
    if (op === O.BPF_JNE) {
      if (is32) a.r32 = C32.intersect(a.r32, { base: (value + 1n) & C32.MAX, size: C32.MAX - 1n });
      else a.r64 = C64.intersect(a.r64, { base: (value + 1n) & C64.MAX, size: C64.MAX - 1n });
      return;
    }
    if (op === NOT_JSET) {
      a.r32 = C32.UNBOUNDED;
      a.r64 = C64.UNBOUNDED;
    }
    a.varOff = jset(a.varOff, value, is32, op === O.BPF_JSET);
    return;
  }
  switch (op) {
    case O.BPF_JEQ:
      return equal(a, b, is32);
    case O.BPF_JLE:
      return ordered(a, b, is32, false, 0n);
    case O.BPF_JLT:
      return ordered(a, b, is32, false, 1n);
    case O.BPF_JSLE:
      return ordered(a, b, is32, true, 0n);
    case O.BPF_JSLT:
      return ordered(a, b, is32, true, 1n);
  }
}

function side(op: number, is32: boolean, a: Scalar, b: Scalar): [Draft, Draft] {
  const [x, y] = [draft(a), draft(b)];
  refineOne(op, is32, x, y);
  return [sync(x), sync(y)];
}

/** simulate_both_branches_taken: a branch whose condition leaves no value for a register is dead. */
export function predictByRefining(op: number, is32: boolean, a: Scalar, b: Scalar): Prediction {
  if (side(reverse[op], is32, a, b).some(isImpossible)) return 1;
  return side(op, is32, a, b).some(isImpossible) ? 0 : -1;
}

export function refine(op: number, is32: boolean, a: Scalar, b: Scalar, same: boolean): Refined {
  if (same) return { taken: [a, b], fallthrough: [a, b] };
  const of = (by: number): [Scalar, Scalar] => {
    const [x, y] = side(by, is32, a, b);
    return [seal(sane(x)), seal(sane(y))];
  };
  return { taken: of(op), fallthrough: of(reverse[op]) };
}
