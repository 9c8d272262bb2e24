import * as O from "../../../../opcode.ts";
import { constantValue, isConstant, isConstantIn, type Scalar } from "../domain.ts";
import { sdivRange, smodRange } from "../interval/division.ts";
import * as T from "../tnum.ts";
import { C32, C64, type cnums } from "./cnum.ts";
import { type Draft, draft, known, known32, updateBounds, updateBounds32 } from "./value.ts";

type Width = ReturnType<typeof cnums>;

export function add(d: Draft, s: Draft): void {
  d.r32 = C32.add(d.r32, s.r32);
  d.r64 = C64.add(d.r64, s.r64);
  d.varOff = T.add(d.varOff, s.varOff);
}

export function sub(d: Draft, s: Draft): void {
  d.r32 = C32.add(d.r32, C32.negate(s.r32));
  d.r64 = C64.add(d.r64, C64.negate(s.r64));
  d.varOff = T.sub(d.varOff, s.varOff);
}

function product(W: Width, a: Draft["r64"], b: Draft["r64"]): Draft["r64"] {
  const [ulo, uhi] = [W.umin(a) * W.umin(b), W.umax(a) * W.umax(b)];
  const u = uhi > W.MAX ? W.UNBOUNDED : W.fromU(ulo, uhi);
  const ends = [W.smin(a), W.smax(a)].flatMap((x) => [W.smin(b), W.smax(b)].map((y) => x * y));
  const lost = ends.some((v) => v < W.S_MIN || v > W.S_MAX);
  const lo = lost ? W.S_MIN : ends.reduce((x, y) => (x < y ? x : y));
  const hi = lost ? W.S_MAX : ends.reduce((x, y) => (x > y ? x : y));
  return W.intersect(u, W.fromS(lo, hi));
}

function divide(op: number, d: Draft, src: Scalar, is32: boolean, signed: boolean): void {
  const by = constantValue(src, is32);
  if (by === 0n) {
    if (op === O.BPF_DIV) known(d, 0n);
    return;
  }
  const W = is32 ? C32 : C64;
  const r = is32 ? d.r32 : d.r64;
  const sby = BigInt.asIntN(is32 ? 32 : 64, by);
  let result: Draft["r64"];
  if (signed) {
    const range =
      op === O.BPF_DIV ? sdivRange(W.smin(r), W.smax(r), sby, W.S_MIN, W.S_MAX) : smodRange(W.smin(r), W.smax(r), sby);
    if (!range) return;
    result = W.fromS(range[0], range[1]);
  } else if (op === O.BPF_DIV) result = W.fromU(W.umin(r) / by, W.umax(r) / by);
  else if (W.umax(r) < by) return;
  else result = W.fromU(0n, W.umax(r) < by - 1n ? W.umax(r) : by - 1n);
  d.r64 = is32 ? C64.UNBOUNDED : result;
  d.r32 = is32 ? result : C32.UNBOUNDED;
  d.varOff = T.unknown;
}

/** AND, OR, XOR: unsigned ranges from the result's bits and the operands' bounds. */
function bitwise(op: number, d: Draft, src: Scalar): void {
  const s = draft(src);
  d.varOff = (op === O.BPF_AND ? T.and : op === O.BPF_OR ? T.or : T.xor)(d.varOff, s.varOff);
  const rangeOf = (W: Width, a: Draft["r64"], b: Draft["r64"], bits: T.Tnum): Draft["r64"] => {
    const top = bits.value | bits.mask;
    if (op === O.BPF_AND) return W.fromU(bits.value, W.umax(a) < W.umax(b) ? W.umax(a) : W.umax(b));
    if (op === O.BPF_OR) return W.fromU(W.umin(a) > W.umin(b) ? W.umin(a) : W.umin(b), top);
    return W.fromU(bits.value, top);
  };
  const half = T.subreg(d.varOff);
  if (T.isSubregConst(s.varOff) && half.mask === 0n) known32(d, half.value);
  else d.r32 = rangeOf(C32, d.r32, s.r32, half);
  if (isConstant(src) && T.isConst(d.varOff)) {
    known(d, d.varOff.value);
    return;
  }
  d.r64 = rangeOf(C64, d.r64, s.r64, d.varOff);
  if (op !== O.BPF_XOR) updateBounds(d);
}

function lshRange32(d: Draft, n: bigint): void {
  const lost = n > 31n || C32.umax(d.r32) > 1n << (31n - n);
  d.r32 = lost ? C32.UNBOUNDED : C32.fromU(C32.umin(d.r32) << n, C32.umax(d.r32) << n);
}

function shift(op: number, d: Draft, n: number, is32: boolean): void {
  const by = BigInt(n);
  const half = T.subreg(d.varOff);
  if (is32) {
    if (op === O.BPF_LSH) {
      lshRange32(d, by);
      d.varOff = T.subreg(T.lshift(half, n));
    } else if (op === O.BPF_RSH) {
      d.varOff = T.rshift(half, n);
      d.r32 = C32.fromU(C32.umin(d.r32) >> by, C32.umax(d.r32) >> by);
    } else {
      d.r32 = C32.fromS(C32.smin(d.r32) >> by, C32.smax(d.r32) >> by);
      d.varOff = T.arshift(half, n, 32);
    }
    d.r64 = C64.UNBOUNDED;
    updateBounds32(d);
    return;
  }
  if (op === O.BPF_LSH) {
    // << 32 moves the low half's signed bounds up unharmed: how compilers begin a sign extension
    const s = n === 32 ? C64.fromS(C32.smin(d.r32) << 32n, C32.smax(d.r32) << 32n) : C64.UNBOUNDED;
    const lost = C64.umax(d.r64) > 1n << (63n - by);
    const u = lost ? C64.UNBOUNDED : C64.fromU(C64.umin(d.r64) << by, C64.umax(d.r64) << by);
    d.r64 = C64.intersect(u, s);
    lshRange32(d, by);
    d.varOff = T.lshift(d.varOff, n);
  } else if (op === O.BPF_RSH) {
    d.varOff = T.rshift(d.varOff, n);
    d.r64 = C64.fromU(C64.umin(d.r64) >> by, C64.umax(d.r64) >> by);
    d.r32 = C32.UNBOUNDED;
  } else {
    d.r64 = C64.fromS(C64.smin(d.r64) >> by, C64.smax(d.r64) >> by);
    d.varOff = T.arshift(d.varOff, n, 64);
    d.r32 = C32.UNBOUNDED;
  }
  updateBounds(d);
}

/** is_safe_to_compute_dst_reg_range */
export function computes(op: number, is32: boolean, src: Scalar): boolean {
  const constant =
    isConstantIn(src, is32) && (is32 ? src.s32min === src.s32max && src.u32min === src.u32max : src.umin === src.umax);
  if (op === O.BPF_DIV || op === O.BPF_MOD) return constant;
  if (op === O.BPF_LSH || op === O.BPF_RSH || op === O.BPF_ARSH) return constant && src.umax < (is32 ? 32n : 64n);
  return op <= O.BPF_XOR;
}

export function compute(op: number, is32: boolean, d: Draft, src: Scalar, signed: boolean): void {
  const s = draft(src);
  switch (op) {
    case O.BPF_ADD:
      return add(d, s);
    case O.BPF_SUB:
      return sub(d, s);
    case O.BPF_NEG: {
      const value = { ...d };
      known(d, 0n);
      return sub(d, value);
    }
    case O.BPF_MUL:
      d.varOff = T.mulByUnion(d.varOff, s.varOff);
      d.r32 = product(C32, d.r32, s.r32);
      d.r64 = product(C64, d.r64, s.r64);
      return;
    case O.BPF_DIV:
    case O.BPF_MOD:
      return divide(op, d, src, is32, signed);
    case O.BPF_AND:
    case O.BPF_OR:
    case O.BPF_XOR:
      return bitwise(op, d, src);
    default:
      return shift(op, d, Number(constantValue(src, is32)), is32);
  }
}
