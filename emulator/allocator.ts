/** A range of the machine's memory is used up. */
export class OutOfSpace extends RangeError {
  override name = "OutOfSpace";
}

/** Hands out addresses of a range, upwards; nothing is given back. */
export class Allocator {
  #next: bigint;
  readonly #end: bigint;
  readonly #what: string;

  constructor(what: string, start: bigint, size: bigint) {
    this.#what = what;
    this.#next = start;
    this.#end = start + size;
  }

  /** The first address that nobody has. */
  get next(): bigint {
    return this.#next;
  }

  /** Throws OutOfSpace when the range is used up. `align` is a power of two. */
  take(size: number | bigint, align: number | bigint = 8): bigint {
    const mask = BigInt(align) - 1n;
    const addr = (this.#next + mask) & ~mask;
    if (addr + BigInt(size) > this.#end) throw new OutOfSpace(`${this.#what} is full`);
    this.#next = addr + BigInt(size);
    return addr;
  }
}
