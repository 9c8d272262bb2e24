import * as O from "../../../../opcode.ts";
import { predictConstant, predictRanges, predictSame } from "../compare.ts";
import { constantValue, isConstantIn, type Scalar, type ScalarDomain } from "../domain.ts";
import * as T from "../tnum.ts";
import { add, mul, sub } from "./arith.ts";
import { and, or, xor } from "./bitwise.ts";
import {
  type Draft,
  draft,
  known,
  max,
  min,
  S32_MAX,
  S32_MIN,
  sane,
  sync,
  UNKNOWN,
  unbound32,
  unbound64,
  zext32,
} from "./bounds.ts";
import { sdiv, smod, udiv, umod } from "./division.ts";
import type { IntervalFeatures } from "./features.ts";
import { refineRanges } from "./refine.ts";
import { combine64Into32, refineConstant } from "./refine-constant.ts";
import { arsh, lsh, rsh } from "./shift.ts";

const constant = (value: bigint): Scalar => known({ ...UNKNOWN }, value);

/** Any 32-bit value, zero-extended. */
const LOW: Scalar = zext32({ ...UNKNOWN });

/** Constant in bits and bounds of the operation's width. */
const isShiftConstant = (s: Scalar, is32: boolean): boolean =>
  isConstantIn(s, is32) &&
  (is32 ? s.s32min === s.s32max && s.u32min === s.u32max : s.smin === s.smax && s.umin === s.umax);

/** The kernels before cnums (7.2): eight bounds and a tnum (struct bpf_reg_state). */
export function intervalDomain(era: IntervalFeatures): ScalarDomain {
  const finish = (d: Draft): Scalar => sane(sync(d, era), era);

  function computes(op: number, is32: boolean, src: Scalar): boolean {
    switch (op) {
      case O.BPF_ADD:
      case O.BPF_SUB:
      case O.BPF_AND:
        return true;
      case O.BPF_OR:
      case O.BPF_XOR:
      case O.BPF_MUL:
        return !era.constantSourceOnly || isConstantIn(src, is32);
      case O.BPF_NEG:
        return era.neg;
      case O.BPF_DIV:
      case O.BPF_MOD:
        return era.divMod && isShiftConstant(src, is32);
      case O.BPF_LSH:
      case O.BPF_RSH:
      case O.BPF_ARSH:
        return isShiftConstant(src, is32) && src.umax < (is32 ? 32n : 64n);
      default:
        return false;
    }
  }

  function divide(op: number, is32: boolean, d: Draft, src: Scalar, signed: boolean): void {
    const by = constantValue(src, is32);
    if (by === 0n) {
      if (op === O.BPF_DIV) known(d, 0n);
      return;
    }
    const sby = BigInt.asIntN(is32 ? 32 : 64, by);
    if (op === O.BPF_DIV) signed ? sdiv(d, sby, is32) : udiv(d, by, is32);
    else signed ? smod(d, sby, is32) : umod(d, by, is32);
  }

  function compute(op: number, is32: boolean, d: Draft, src: Scalar, signed: boolean): void {
    switch (op) {
      case O.BPF_ADD:
        return add(d, src, era);
      case O.BPF_SUB:
        return sub(d, src, era);
      case O.BPF_NEG: {
        const value = draft(d);
        known(d, 0n);
        return sub(d, value, era);
      }
      case O.BPF_MUL:
        return mul(d, src, era);
      case O.BPF_AND:
        return and(d, src, era);
      case O.BPF_OR:
        return or(d, src, era);
      case O.BPF_XOR:
        return xor(d, src, era);
      case O.BPF_DIV:
      case O.BPF_MOD:
        return divide(op, is32, d, src, signed);
      case O.BPF_LSH:
        return lsh(d, Number(constantValue(src, is32)), is32);
      case O.BPF_RSH:
        return rsh(d, Number(constantValue(src, is32)), is32);
      case O.BPF_ARSH:
        return arsh(d, Number(constantValue(src, is32)), is32);
    }
  }

  function truncate(value: Scalar, bytes: number): Scalar {
    const d = draft(value);
    d.varOff = T.cast(d.varOff, bytes);
    const mask = (1n << BigInt(8 * bytes)) - 1n;
    if ((d.umin & ~mask) === (d.umax & ~mask)) {
      d.umin &= mask;
      d.umax &= mask;
    } else {
      d.umin = 0n;
      d.umax = mask;
    }
    d.smin = d.umin;
    d.smax = d.umax;
    if (era.deduce === "sign") {
      if (bytes < 4) combine64Into32(d, era);
      return d;
    }
    if (bytes < 4) unbound32(d);
    return sync(d, era);
  }

  /** Signed bounds of the low `bytes` bytes of [lo, hi], when all of the range above them is the same and the sign does not change. */
  function signedLow(lo: bigint, hi: bigint, bytes: number): [bigint, bigint] | null {
    const bits = BigInt(8 * bytes);
    if (lo >> bits !== hi >> bits) return null;
    const ends = [BigInt.asIntN(8 * bytes, lo), BigInt.asIntN(8 * bytes, hi)];
    const [a, b] = [min(ends[0], ends[1]), max(ends[0], ends[1])];
    return a >= 0n === b >= 0n ? [a, b] : null;
  }

  function signExtend(value: Scalar, bytes: number): Scalar {
    if (T.isConst(value.varOff)) return constant(BigInt.asIntN(8 * bytes, value.varOff.value));
    const d = draft(value);
    const range = signedLow(d.smin, d.smax, bytes);
    if (range) {
      const [lo, hi] = range;
      d.smin = lo;
      d.smax = hi;
      d.umin = T.u64(lo);
      d.umax = T.u64(hi);
      d.s32min = Number(lo);
      d.s32max = Number(hi);
      d.u32min = d.s32min >>> 0;
      d.u32max = d.s32max >>> 0;
      d.varOff = T.range(d.umin, d.umax);
      return d;
    }
    unbound32(unbound64(d));
    d.smin = -(1n << BigInt(8 * bytes - 1));
    d.smax = -d.smin - 1n;
    d.s32min = Math.max(Number(d.smin), S32_MIN);
    d.s32max = Math.min(Number(d.smax), S32_MAX);
    d.varOff = T.unknown;
    return d;
  }

  function signExtend32(value: Scalar, bytes: number): Scalar {
    const d = draft(value);
    if (T.isConst(d.varOff)) {
      const v = BigInt.asIntN(8 * bytes, d.varOff.value);
      d.varOff = T.constant(v);
      d.s32min = d.s32max = Number(v);
      d.u32min = d.u32max = Number(v) >>> 0;
    } else {
      const range = signedLow(BigInt(d.s32min), BigInt(d.s32max), bytes);
      const [lo, hi] = range ?? [-(1n << BigInt(8 * bytes - 1)), (1n << BigInt(8 * bytes - 1)) - 1n];
      d.s32min = Number(lo);
      d.s32max = Number(hi);
      d.u32min = range ? d.s32min >>> 0 : 0;
      d.u32max = range ? d.s32max >>> 0 : 0xffffffff;
      d.varOff = T.subreg(range ? T.range(T.u64(lo), T.u64(hi)) : T.unknown);
    }
    return zeroExtend32(d);
  }

  const zeroExtend32 = (value: Scalar): Scalar => finish(zext32(draft(value)));

  return {
    unknown: UNKNOWN,
    constant,
    alu(op, is32, dst, src, signed) {
      // up to 6.10 an operation that is not tracked still zero-extends when its source is known
      if (!computes(op, is32, src)) return is32 && era.constantSourceOnly && isConstantIn(src, true) ? LOW : UNKNOWN;
      const d = draft(dst);
      compute(op, is32, d, src, signed);
      return finish(is32 ? zext32(d) : d);
    },
    byteOrder(value, bits, swap) {
      if (!era.byteOrder) return UNKNOWN;
      const d = draft(value);
      if (swap) {
        d.varOff = T.bswap(d.varOff, bits);
        unbound32(unbound64(d));
      }
      return finish(bits === 64 ? d : draft(truncate(d, bits / 8)));
    },
    zeroExtend32,
    truncate,
    signExtend,
    signExtend32,
    predict(op, is32, a, b, same) {
      if (same && era.sameRegister) return predictSame(op, is32, a);
      return era.rangeVsRange ? predictRanges(op, is32, a, b, era.tnumOverlap) : predictConstant(op, is32, a, b);
    },
    refine: (op, is32, a, b, same) =>
      era.rangeVsRange ? refineRanges(op, is32, a, b, same, era) : refineConstant(op, is32, a, b, same, era),
    pointerAdd(pointer, offset, subtract) {
      const d = draft(pointer);
      unbound32(d);
      const low = draft(offset);
      subtract ? sub(d, low, era) : add(d, low, era);
      unbound32(d);
      return sync(d, era);
    },
    addDelta(value, delta, is32) {
      const d = draft(value);
      add(d, draft(constant(delta)), era);
      if (is32) zext32(d);
      return era.syncLinked ? sync(d, era) : d;
    },
    clampS32(value, lo, hi) {
      const d = draft(value);
      d.s32min = Math.max(d.s32min, lo);
      d.s32max = Math.min(d.s32max, hi);
      d.smin = max(d.smin, BigInt(lo));
      d.smax = min(d.smax, BigInt(hi));
      return finish(d);
    },
  };
}
