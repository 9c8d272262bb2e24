import * as O from "../../../opcode.ts";
import { constantValue, isConstantIn, type Prediction, type Scalar } from "./domain.ts";
import * as T from "./tnum.ts";

/** BPF_JSET with BPF_X set stands for "no bit in common", which has no opcode (rev_opcode). */
export const NOT_JSET = O.BPF_JSET | O.BPF_X;

/** The comparison that holds where `op` does not. */
export const reverse: Record<number, number> = {
  [O.BPF_JEQ]: O.BPF_JNE,
  [O.BPF_JNE]: O.BPF_JEQ,
  [O.BPF_JSET]: NOT_JSET,
  [O.BPF_JGE]: O.BPF_JLT,
  [O.BPF_JGT]: O.BPF_JLE,
  [O.BPF_JLE]: O.BPF_JGT,
  [O.BPF_JLT]: O.BPF_JGE,
  [O.BPF_JSGE]: O.BPF_JSLT,
  [O.BPF_JSGT]: O.BPF_JSLE,
  [O.BPF_JSLE]: O.BPF_JSGT,
  [O.BPF_JSLT]: O.BPF_JSGE,
};

/** The comparison `b op a` that says the same as `a op b`. */
export const flip: Record<number, number> = {
  [O.BPF_JEQ]: O.BPF_JEQ,
  [O.BPF_JNE]: O.BPF_JNE,
  [O.BPF_JSET]: O.BPF_JSET,
  [O.BPF_JGE]: O.BPF_JLE,
  [O.BPF_JGT]: O.BPF_JLT,
  [O.BPF_JLE]: O.BPF_JGE,
  [O.BPF_JLT]: O.BPF_JGT,
  [O.BPF_JSGE]: O.BPF_JSLE,
  [O.BPF_JSGT]: O.BPF_JSLT,
  [O.BPF_JSLE]: O.BPF_JSGE,
  [O.BPF_JSLT]: O.BPF_JSGT,
};

interface Bounds {
  umin: bigint | number;
  umax: bigint | number;
  smin: bigint | number;
  smax: bigint | number;
}

const boundsIn = (s: Scalar, is32: boolean): Bounds =>
  is32 ? { umin: s.u32min, umax: s.u32max, smin: s.s32min, smax: s.s32max } : s;

const both = (yes: boolean, no: boolean): Prediction => (yes ? 1 : no ? 0 : -1);

function ordered(op: number, a: Bounds, b: Bounds): Prediction {
  switch (op) {
    case O.BPF_JGT:
      return both(a.umin > b.umax, a.umax <= b.umin);
    case O.BPF_JSGT:
      return both(a.smin > b.smax, a.smax <= b.smin);
    case O.BPF_JLT:
      return both(a.umax < b.umin, a.umin >= b.umax);
    case O.BPF_JSLT:
      return both(a.smax < b.smin, a.smin >= b.smax);
    case O.BPF_JGE:
      return both(a.umin >= b.umax, a.umax < b.umin);
    case O.BPF_JSGE:
      return both(a.smin >= b.smax, a.smax < b.smin);
    case O.BPF_JLE:
      return both(a.umax <= b.umin, a.umin > b.umax);
    case O.BPF_JSLE:
      return both(a.smax <= b.smin, a.smin > b.smax);
    default:
      return -1;
  }
}

const disjoint = (a: Bounds, b: Bounds): boolean =>
  a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin;

/** 1: certainly equal, 0: certainly different. */
function equal(a: Scalar, b: Scalar, is32: boolean, tnumOverlap: boolean): Prediction {
  const [ta, tb] = is32 ? [T.subreg(a.varOff), T.subreg(b.varOff)] : [a.varOff, b.varOff];
  if (T.isConst(ta) && T.isConst(tb)) return ta.value === tb.value ? 1 : 0;
  if (tnumOverlap && !T.overlap(ta, tb)) return 0;
  if (disjoint(boundsIn(a, is32), boundsIn(b, is32))) return 0;
  return !is32 && disjoint(boundsIn(a, true), boundsIn(b, true)) ? 0 : -1;
}

function bitsInCommon(a: Scalar, b: Scalar, is32: boolean): Prediction {
  const [x, y] = isConstantIn(b, is32) ? [a, b] : [b, a];
  if (!isConstantIn(y, is32)) return -1;
  const bits = is32 ? T.subreg(x.varOff) : x.varOff;
  const value = constantValue(y, is32);
  return both((bits.value & value) !== 0n, ((bits.mask | bits.value) & value) === 0n);
}

/** is_scalar_branch_taken() since 6.8: both sides may be ranges. */
export function predictRanges(op: number, is32: boolean, a: Scalar, b: Scalar, tnumOverlap: boolean): Prediction {
  switch (op) {
    case O.BPF_JEQ:
      return equal(a, b, is32, tnumOverlap);
    case O.BPF_JNE: {
      const same = equal(a, b, is32, tnumOverlap);
      return same < 0 ? -1 : same ? 0 : 1;
    }
    case O.BPF_JSET:
      return bitsInCommon(a, b, is32);
    default:
      return ordered(op, boundsIn(a, is32), boundsIn(b, is32));
  }
}

/** is_branch32_taken() and is_branch64_taken() up to 6.7: the right side must be a constant, and equality looks at the bits only. */
export function predictConstant(op: number, is32: boolean, a: Scalar, b: Scalar): Prediction {
  if (!isConstantIn(b, is32)) return -1;
  if (op === O.BPF_JEQ || op === O.BPF_JNE) {
    if (!isConstantIn(a, is32)) return -1;
    return (constantValue(a, is32) === constantValue(b, is32)) === (op === O.BPF_JEQ) ? 1 : 0;
  }
  if (op === O.BPF_JSET) return bitsInCommon(a, b, is32);
  const value = constantValue(b, is32);
  const [u, s] = is32 ? [Number(value), Number(value) | 0] : [value, T.s64(value)];
  return ordered(op, boundsIn(a, is32), { umin: u, umax: u, smin: s, smax: s });
}

/** r op r: decided for every op but BPF_JSET (6.19). */
export function predictSame(op: number, is32: boolean, a: Scalar): Prediction {
  switch (op) {
    case O.BPF_JGE:
    case O.BPF_JLE:
    case O.BPF_JSGE:
    case O.BPF_JSLE:
    case O.BPF_JEQ:
      return 1;
    case O.BPF_JSET: {
      if (isConstantIn(a, is32)) return constantValue(a, is32) !== 0n ? 1 : 0;
      const { smin, smax } = boundsIn(a, is32);
      return smin <= 0 && smax >= 0 ? -1 : 1;
    }
    default:
      return 0;
  }
}
