import { type AccessSize, type Memory, MemoryFault, type Region } from "../bpf/memory.ts";

/** Bytes that come into being together. */
const BLOCK = 1 << 16;

/** Mapped zeros, and the blocks of them that somebody has touched, counted from the start. */
interface Range {
  start: bigint;
  end: bigint;
  blocks: (Region | undefined)[];
}

/** Memory of large ranges that are mostly zeros. Little endian; everything throws MemoryFault where nothing is mapped. */
export class SparseMemory implements Memory {
  /** sorted by start */
  readonly #ranges: Range[] = [];
  readonly #scratch = new DataView(new ArrayBuffer(8));

  /** Maps zeros. Throws RangeError when an address is taken. */
  map(start: bigint, size: number): void {
    const end = start + BigInt(size);
    const after = this.#ranges.findIndex((range) => range.start >= start);
    const index = after < 0 ? this.#ranges.length : after;
    if (this.#ranges[index - 1]?.end > start || this.#ranges[index]?.start < end)
      throw new RangeError(`0x${start.toString(16)} is mapped already`);
    this.#ranges.splice(index, 0, { start, end, blocks: [] });
  }

  /** The block around an address. */
  region(address: bigint): Region | undefined {
    const range = this.#rangeOf(address);
    if (!range) return undefined;
    const index = Math.floor(Number(address - range.start) / BLOCK);
    const start = range.start + BigInt(index * BLOCK);
    const rest = range.end - start;
    range.blocks[index] ??= { start, bytes: new Uint8Array(rest < BLOCK ? Number(rest) : BLOCK) };
    return range.blocks[index];
  }

  #rangeOf(address: bigint): Range | undefined {
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = this.#ranges[middle];
      if (address < range.start) high = middle - 1;
      else if (address >= range.end) low = middle + 1;
      else return range;
    }
    return undefined;
  }

  load(address: bigint, size: AccessSize): bigint {
    this.#scratch.setBigUint64(0, 0n);
    this.#copy(address, new Uint8Array(this.#scratch.buffer, 0, size), "read");
    return this.#scratch.getBigUint64(0, true);
  }

  store(address: bigint, size: AccessSize, value: bigint): void {
    this.#scratch.setBigUint64(0, BigInt.asUintN(64, value), true);
    this.#copy(address, new Uint8Array(this.#scratch.buffer, 0, size), "write");
  }

  read(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#copy(address, bytes, "read");
    return bytes;
  }

  write(address: bigint, bytes: Uint8Array): void {
    this.#copy(address, bytes, "write");
  }

  #copy(address: bigint, bytes: Uint8Array, access: "read" | "write"): void {
    for (let at = 0; at < bytes.length; ) {
      const here = BigInt.asUintN(64, address + BigInt(at));
      const region = this.region(here);
      if (!region) throw new MemoryFault(BigInt.asUintN(64, address), bytes.length, access);
      const from = Number(here - region.start);
      const part = region.bytes.subarray(from, from + bytes.length - at);
      if (access === "read") bytes.set(part, at);
      else part.set(bytes.subarray(at, at + part.length));
      at += part.length;
    }
  }
}
