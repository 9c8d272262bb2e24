import { predictRanges, predictSame } from "../compare.ts";
import type { Scalar, ScalarDomain } from "../domain.ts";
import * as T from "../tnum.ts";
import { add, compute, computes, sub } from "./alu.ts";
import { C32, C64 } from "./cnum.ts";
import { predictByRefining, refine } from "./refine.ts";
import { type Draft, draft, known, sane, seal, sync, UNKNOWN } from "./value.ts";

const constant = (value: bigint): Scalar => seal(known(draft(UNKNOWN), value));
const finish = (d: Draft): Scalar => seal(sane(sync(d)));

function zext32(d: Draft): Draft {
  d.varOff = T.subreg(d.varOff);
  d.r64 = C64.fromU(C32.umin(d.r32), C32.umax(d.r32));
  return d;
}

function truncateDraft(d: Draft, bytes: number): Draft {
  d.varOff = T.cast(d.varOff, bytes);
  const mask = (1n << BigInt(8 * bytes)) - 1n;
  const [umin, umax] = [C64.umin(d.r64), C64.umax(d.r64)];
  d.r64 = (umin & ~mask) === (umax & ~mask) ? C64.fromU(umin & mask, umax & mask) : C64.fromU(0n, mask);
  if (bytes < 4) d.r32 = C32.UNBOUNDED;
  return sync(d);
}

/** The low `bytes` bytes of [lo, hi] as signed, when nothing above them changes and the sign stays. */
function signedLow(lo: bigint, hi: bigint, bytes: number): [bigint, bigint] | null {
  const bits = BigInt(8 * bytes);
  if (lo >> bits !== hi >> bits) return null;
  const [x, y] = [BigInt.asIntN(8 * bytes, lo), BigInt.asIntN(8 * bytes, hi)];
  return x >= 0n === y >= 0n ? (x < y ? [x, y] : [y, x]) : null;
}

const wholeSigned = (bytes: number): [bigint, bigint] => {
  const half = 1n << BigInt(8 * bytes - 1);
  return [-half, half - 1n];
};

/** Scalars of 7.2 (kernel/bpf/cnum.c): arcs instead of pairs of bounds. */
export const cnumDomain: ScalarDomain = {
  unknown: UNKNOWN,
  constant,
  alu(op, is32, dst, src, signed) {
    if (!computes(op, is32, src)) return UNKNOWN;
    const d = draft(dst);
    compute(op, is32, d, src, signed);
    return finish(is32 ? zext32(d) : d);
  },
  byteOrder(value, bits, swap) {
    const d = draft(value);
    if (swap) {
      d.varOff = T.bswap(d.varOff, bits);
      d.r64 = C64.UNBOUNDED;
      d.r32 = C32.UNBOUNDED;
    }
    return finish(bits === 64 ? d : truncateDraft(d, bits / 8));
  },
  zeroExtend32: (value) => finish(zext32(draft(value))),
  truncate: (value, bytes) => seal(truncateDraft(draft(value), bytes)),
  signExtend(value, bytes) {
    if (T.isConst(value.varOff)) return constant(BigInt.asIntN(8 * bytes, value.varOff.value));
    const range = signedLow(value.smin, value.smax, bytes);
    const [lo, hi] = range ?? wholeSigned(bytes);
    const varOff = range ? T.range(T.u64(lo), T.u64(hi)) : T.unknown;
    return seal({ varOff, r64: C64.fromS(lo, hi), r32: C32.fromS(lo, hi) });
  },
  signExtend32(value, bytes) {
    const d = draft(value);
    if (T.isConst(d.varOff)) {
      const v = BigInt.asIntN(8 * bytes, d.varOff.value);
      d.varOff = T.constant(v);
      d.r32 = C32.fromU(v & T.U32, v & T.U32);
    } else {
      const range = signedLow(BigInt(value.s32min), BigInt(value.s32max), bytes);
      const [lo, hi] = range ?? wholeSigned(bytes);
      d.r32 = C32.fromS(lo, hi);
      d.varOff = T.subreg(range ? T.range(T.u64(lo), T.u64(hi)) : T.unknown);
    }
    return finish(zext32(d));
  },
  predict(op, is32, a, b, same) {
    if (same) return predictSame(op, is32, a);
    const by = predictRanges(op, is32, a, b, true);
    return by >= 0 ? by : predictByRefining(op, is32, a, b);
  },
  refine,
  pointerAdd(pointer, offset, subtract) {
    const d = draft(pointer);
    (subtract ? sub : add)(d, draft(offset));
    d.r32 = C32.UNBOUNDED;
    return seal(sync(d));
  },
  addDelta(value, delta, is32) {
    const d = draft(value);
    add(d, draft(constant(delta)));
    return seal(sync(is32 ? zext32(d) : d));
  },
  clampS32(value, lo, hi) {
    const d = draft(value);
    const of = (min: bigint, max: bigint): [bigint, bigint] => [
      min > BigInt(lo) ? min : BigInt(lo),
      max < BigInt(hi) ? max : BigInt(hi),
    ];
    d.r32 = C32.fromS(...of(BigInt(value.s32min), BigInt(value.s32max)));
    d.r64 = C64.fromS(...of(value.smin, value.smax));
    return finish(d);
  },
};
