import type { Tnum } from "./tnum.ts";

/**
 * What is known of a 64-bit value: its bits, and bounds of the whole and of its low half, each read as unsigned and as signed.
 * Values are shared between states, never written to.
 */
export interface Scalar {
  readonly varOff: Tnum;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  readonly u32min: number;
  readonly u32max: number;
  readonly s32min: number;
  readonly s32max: number;
}

/** What an undecided comparison of two scalars says about both in either branch. */
export interface Refined {
  taken: [Scalar, Scalar];
  fallthrough: [Scalar, Scalar];
}

/** 1: always taken, 0: never taken, -1: not known. */
export type Prediction = 1 | 0 | -1;

/** How a kernel tracks scalars: adjust_scalar_min_max_vals(), is_branch_taken(), reg_set_min_max() of one era. */
export interface ScalarDomain {
  readonly unknown: Scalar;
  constant(value: bigint): Scalar;
  /** `dst op= src`, op as in BPF_OP; `signed`: the signed forms of BPF_DIV and BPF_MOD. 32 bits: the upper half of the result is 0. */
  alu(op: number, is32: boolean, dst: Scalar, src: Scalar, signed: boolean): Scalar;
  /** BPF_END: `bits` 16, 32 or 64; without `swap` the value is only truncated. */
  byteOrder(value: Scalar, bits: number, swap: boolean): Scalar;
  /** 32-bit MOV. */
  zeroExtend32(value: Scalar): Scalar;
  /** The low `bytes` bytes, zero-extended: what a load of that size sees. */
  truncate(value: Scalar, bytes: number): Scalar;
  /** The low `bytes` bytes, sign-extended to 64 bits. */
  signExtend(value: Scalar, bytes: number): Scalar;
  /** The low `bytes` bytes, sign-extended to 32 bits and zero-extended from there. */
  signExtend32(value: Scalar, bytes: number): Scalar;
  predict(op: number, is32: boolean, a: Scalar, b: Scalar, sameRegister: boolean): Prediction;
  refine(op: number, is32: boolean, a: Scalar, b: Scalar, sameRegister: boolean): Refined;
  /** Variable part of a pointer plus (minus) a scalar. */
  pointerAdd(pointer: Scalar, offset: Scalar, subtract: boolean): Scalar;
  /** value + delta for a register linked to one that was just refined; `is32`: the sum was taken in 32 bits. */
  addDelta(value: Scalar, delta: bigint, is32: boolean): Scalar;
  /** value, known to be in [min, max] as a signed 32-bit number. */
  clampS32(value: Scalar, min: number, max: number): Scalar;
}

export const isConstant = (s: Scalar): boolean => s.varOff.mask === 0n;
/** Constant in the compared width. */
export const isConstantIn = (s: Scalar, is32: boolean): boolean =>
  is32 ? (s.varOff.mask & 0xffffffffn) === 0n : s.varOff.mask === 0n;
export const constantValue = (s: Scalar, is32: boolean): bigint =>
  is32 ? s.varOff.value & 0xffffffffn : s.varOff.value;
export const isZero = (s: Scalar): boolean => s.varOff.mask === 0n && s.varOff.value === 0n;

/** Whether every value of `inner` is allowed by `outer` (range_within and tnum_in). */
export const isWithin = (outer: Scalar, inner: Scalar): boolean =>
  outer === inner ||
  (outer.umin <= inner.umin &&
    outer.umax >= inner.umax &&
    outer.smin <= inner.smin &&
    outer.smax >= inner.smax &&
    outer.u32min <= inner.u32min &&
    outer.u32max >= inner.u32max &&
    outer.s32min <= inner.s32min &&
    outer.s32max >= inner.s32max &&
    (inner.varOff.mask & ~outer.varOff.mask) === 0n &&
    outer.varOff.value === (inner.varOff.value & ~outer.varOff.mask));
