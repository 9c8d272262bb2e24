import type { AccessSize, Memory } from "../memory.ts";

const WINDOWS = 4;

/** Bytes of a region that share the upper half of their addresses. */
interface Window {
  hi: number;
  lo: number;
  length: number;
  view: DataView;
}

/**
 * Loads and stores on halves of numbers. Remembers the regions that were used last (stack, context, a map's value), so
 * that most accesses need no bigint.
 */
export class Access {
  /** result of the last load, zero-extended */
  lo = 0;
  hi = 0;
  readonly #memory: Memory;
  readonly #isLittle: boolean;
  readonly #windows: Window[] = [];
  #oldest = 0;
  /** where #locate found the address */
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** `isLittle`: the low byte of a number comes first */
  constructor(memory: Memory, isLittle = true) {
    this.#memory = memory;
    this.#isLittle = isLittle;
  }

  /** Loads `size` bytes at base + off into lo and hi. Throws MemoryFault. */
  load(baseLo: number, baseHi: number, off: number, size: number): void {
    const at = this.#locate(baseLo, baseHi, off, size);
    const isLittle = this.#isLittle;
    if (at < 0) {
      const value = this.#ordered(this.#memory.load(addressOf(baseLo, baseHi, off), size as AccessSize), size);
      this.lo = Number(BigInt.asIntN(32, value));
      this.hi = Number(BigInt.asIntN(32, value >> 32n));
      return;
    }
    this.hi = 0;
    if (size === 8) {
      this.lo = this.#view.getInt32(isLittle ? at : at + 4, isLittle);
      this.hi = this.#view.getInt32(isLittle ? at + 4 : at, isLittle);
    } else if (size === 4) this.lo = this.#view.getInt32(at, isLittle);
    else if (size === 2) this.lo = this.#view.getUint16(at, isLittle);
    else this.lo = this.#view.getUint8(at);
  }

  /** Stores the low `size` bytes of a value at base + off. Throws MemoryFault. */
  store(baseLo: number, baseHi: number, off: number, size: number, lo: number, hi: number): void {
    const at = this.#locate(baseLo, baseHi, off, size);
    const isLittle = this.#isLittle;
    if (at < 0) {
      const value = BigInt.asUintN(8 * size, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
      this.#memory.store(addressOf(baseLo, baseHi, off), size as AccessSize, this.#ordered(value, size));
    } else if (size === 8) {
      this.#view.setInt32(isLittle ? at : at + 4, lo, isLittle);
      this.#view.setInt32(isLittle ? at + 4 : at, hi, isLittle);
    } else if (size === 4) this.#view.setInt32(at, lo, isLittle);
    else if (size === 2) this.#view.setInt16(at, lo, isLittle);
    else this.#view.setInt8(at, lo);
  }

  /** A number of `size` bytes from the memory's order, which is little, to ours, and back. */
  #ordered(value: bigint, size: number): bigint {
    if (this.#isLittle) return value;
    let swapped = 0n;
    for (let i = 0, rest = value; i < size; i++, rest >>= 8n) swapped = (swapped << 8n) | (rest & 0xffn);
    return swapped;
  }

  /** Offset of the address in #view, or -1 where there is no window on it. */
  #locate(baseLo: number, baseHi: number, off: number, size: number): number {
    const lo = (baseLo + off) >>> 0;
    const hi = upperHalf(baseLo, baseHi, off);
    for (let i = 0; i < this.#windows.length; i++) {
      const window = this.#windows[i];
      const at = lo - window.lo;
      if (window.hi === hi && at >= 0 && at + size <= window.length) {
        this.#view = window.view;
        return at;
      }
    }
    return this.#open(addressOf(baseLo, baseHi, off), size);
  }

  /** Tries to open a window on the region of an address. */
  #open(address: bigint, size: number): number {
    const region = this.#memory.region?.(address);
    if (!region) return -1;
    const { start, bytes } = region;
    const offset = Number(address - start);
    const window = {
      hi: Number(BigInt.asIntN(32, start >> 32n)),
      lo: Number(BigInt.asUintN(32, start)),
      length: bytes.length,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    };
    if (offset + size > bytes.length || window.lo + bytes.length > 2 ** 32) return -1;
    this.#windows[this.#oldest++ % WINDOWS] = window;
    this.#view = window.view;
    return offset;
  }
}

/** Upper half of base + off: the lower halves carry when their sum wraps. */
const upperHalf = (lo: number, hi: number, off: number): number =>
  (hi + (off >> 31) + ((lo + off) >>> 0 < lo >>> 0 ? 1 : 0)) | 0;

const addressOf = (lo: number, hi: number, off: number): bigint =>
  (BigInt(upperHalf(lo, hi, off) >>> 0) << 32n) | BigInt((lo + off) >>> 0);
