export type AccessSize = 1 | 2 | 4 | 8;

/** An access to an address where nothing is mapped. */
export class MemoryFault extends Error {
  override readonly name = "MemoryFault";
  readonly address: bigint;
  /** bytes */
  readonly size: number;
  readonly access: "read" | "write";

  constructor(address: bigint, size: number, access: "read" | "write") {
    super(`${access} of ${size} bytes at 0x${address.toString(16)}, where nothing is mapped`);
    this.address = address;
    this.size = size;
    this.access = access;
  }
}

/** Bytes of memory that lie side by side. */
export interface Region {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/**
 * Memory by 64-bit address, little endian: what programs, helpers, maps and contexts share. Addresses and values are
 * unsigned; what does not fit is cut off. Everything throws MemoryFault where nothing is mapped.
 */
export interface Memory {
  load(address: bigint, size: AccessSize): bigint;
  store(address: bigint, size: AccessSize, value: bigint): void;
  /** A copy of the bytes. */
  read(address: bigint, length: number): Uint8Array;
  write(address: bigint, bytes: Uint8Array): void;
  /**
   * The bytes behind an address, for whoever accesses them again and again: they stay where they are and are no copy.
   * Memory that must see every access leaves it out.
   */
  region?(address: bigint): Region | undefined;
}

interface MappedRegion extends Region {
  readonly end: bigint;
  readonly view: DataView;
}

/** Regions at 64-bit addresses, in plain arrays. An access lies in one region; neighbours do not join. */
export class FlatMemory implements Memory {
  /** sorted by start */
  readonly #regions: MappedRegion[] = [];

  /** Maps bytes, or that many zeros, and returns them. Throws RangeError when an address is taken or out of 64 bits. */
  map(start: bigint, bytesOrLength: Uint8Array | number): Uint8Array {
    const bytes = typeof bytesOrLength === "number" ? new Uint8Array(bytesOrLength) : bytesOrLength;
    const end = start + BigInt(bytes.length);
    if (start < 0n || end > 1n << 64n) throw new RangeError(`0x${start.toString(16)} is out of 64 bits`);
    const after = this.#regions.findIndex((region) => region.start >= start);
    const index = after < 0 ? this.#regions.length : after;
    if (this.#regions[index - 1]?.end > start || this.#regions[index]?.start < end) {
      throw new RangeError(`0x${start.toString(16)} is mapped already`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#regions.splice(index, 0, { start, end, bytes, view });
    return bytes;
  }

  region(address: bigint): MappedRegion | undefined {
    let low = 0;
    let high = this.#regions.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const region = this.#regions[middle];
      if (address < region.start) high = middle - 1;
      else if (address >= region.end) low = middle + 1;
      else return region;
    }
    return undefined;
  }

  load(address: bigint, size: AccessSize): bigint {
    const { view, start } = this.#find(address, size, "read");
    const at = Number(BigInt.asUintN(64, address) - start);
    if (size === 8) return view.getBigUint64(at, true);
    return BigInt(size === 4 ? view.getUint32(at, true) : size === 2 ? view.getUint16(at, true) : view.getUint8(at));
  }

  store(address: bigint, size: AccessSize, value: bigint): void {
    const { view, start } = this.#find(address, size, "write");
    const at = Number(BigInt.asUintN(64, address) - start);
    if (size === 8) view.setBigUint64(at, value, true);
    else if (size === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) view.setUint16(at, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(at, Number(BigInt.asUintN(8, value)));
  }

  read(address: bigint, length: number): Uint8Array {
    const { bytes, start } = this.#find(address, length, "read");
    const at = Number(BigInt.asUintN(64, address) - start);
    return bytes.slice(at, at + length);
  }

  write(address: bigint, source: Uint8Array): void {
    const { bytes, start } = this.#find(address, source.length, "write");
    bytes.set(source, Number(BigInt.asUintN(64, address) - start));
  }

  #find(address: bigint, length: number, access: "read" | "write"): MappedRegion {
    const at = BigInt.asUintN(64, address);
    const region = this.region(at);
    if (!region || at + BigInt(length) > region.end) throw new MemoryFault(at, length, access);
    return region;
  }
}
