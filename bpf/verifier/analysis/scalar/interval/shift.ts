import * as T from "../tnum.ts";
import {
  type Draft,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  U32_MAX,
  unbound32,
  unbound64,
  updateBounds,
  updateBounds32,
} from "./bounds.ts";

function lsh32Bounds(d: Draft, n: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  const lost = n > 31 || d.u32max > 2 ** (31 - n);
  d.u32min = lost ? 0 : (d.u32min << n) >>> 0;
  d.u32max = lost ? U32_MAX : (d.u32max << n) >>> 0;
}

function lsh64Bounds(d: Draft, n: number): void {
  // << 32 moves the low half's signed bounds up unharmed: how compilers begin a sign extension
  d.smin = n === 32 ? BigInt(d.s32min) << 32n : S64_MIN;
  d.smax = n === 32 ? BigInt(d.s32max) << 32n : S64_MAX;
  const lost = d.umax > 1n << BigInt(63 - n);
  d.umin = lost ? 0n : d.umin << BigInt(n);
  d.umax = lost ? T.U64 : d.umax << BigInt(n);
}

export function lsh(d: Draft, n: number, is32: boolean): void {
  if (is32) {
    lsh32Bounds(d, n);
    d.varOff = T.subreg(T.lshift(T.subreg(d.varOff), n));
    unbound64(d);
    updateBounds32(d);
  } else {
    lsh64Bounds(d, n);
    lsh32Bounds(d, n);
    d.varOff = T.lshift(d.varOff, n);
    updateBounds(d);
  }
}

export function rsh(d: Draft, n: number, is32: boolean): void {
  if (is32) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    d.varOff = T.rshift(T.subreg(d.varOff), n);
    d.u32min >>>= n;
    d.u32max >>>= n;
    unbound64(d);
    updateBounds32(d);
  } else {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
    d.varOff = T.rshift(d.varOff, n);
    d.umin >>= BigInt(n);
    d.umax >>= BigInt(n);
    unbound32(d);
    updateBounds(d);
  }
}

export function arsh(d: Draft, n: number, is32: boolean): void {
  if (is32) {
    d.s32min >>= n;
    d.s32max >>= n;
    d.varOff = T.arshift(T.subreg(d.varOff), n, 32);
    d.u32min = 0;
    d.u32max = U32_MAX;
    unbound64(d);
    updateBounds32(d);
  } else {
    d.smin >>= BigInt(n);
    d.smax >>= BigInt(n);
    d.varOff = T.arshift(d.varOff, n, 64);
    d.umin = 0n;
    d.umax = T.U64;
    unbound32(d);
    updateBounds(d);
  }
}
