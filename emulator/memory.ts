import type { Engine } from "./engine.ts";

export const PAGE = 4096n;
export const pageDown = (addr: bigint): bigint => addr & ~(PAGE - 1n);
export const pageUp = (addr: bigint): bigint => (addr + PAGE - 1n) & ~(PAGE - 1n);

/** A modelled kernel function cannot go on with what it was handed, as where the kernel itself would fault. */
export class GuestFault extends Error {
  override name = "GuestFault";
}

/** Sees what a kernel model reads and writes. */
export interface MemoryObserver {
  read(addr: bigint, bytes: Uint8Array): void;
  write(addr: bigint, bytes: Uint8Array): void;
}

/**
 * Guest memory by address, for whoever models the kernel: maps, helpers, contexts. Little endian, protection ignored. Every
 * access throws GuestFault where nothing is mapped.
 */
export class GuestMemory {
  readonly #engine: Engine;
  /** mapped ranges, sorted by start */
  readonly #mapped: { start: bigint; end: bigint }[] = [];
  #observer: MemoryObserver | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Map all pages of [addr, addr + size) that are not mapped yet. */
  ensure(addr: bigint, size: bigint, prot: number): void {
    let from = pageDown(addr);
    const end = pageUp(addr + size);
    for (const range of this.#mapped) {
      if (range.end <= from) continue;
      if (range.start >= end) break;
      if (range.start > from) this.#engine.map(from, Number(range.start - from), prot);
      from = range.end;
    }
    if (from < end) this.#engine.map(from, Number(end - from), prot);
    this.#add(pageDown(addr), end);
  }

  #add(start: bigint, end: bigint): void {
    const touching = this.#mapped.filter((r) => r.start <= end && r.end >= start);
    const merged = touching.reduce(
      (all, r) => ({ start: r.start < all.start ? r.start : all.start, end: r.end > all.end ? r.end : all.end }),
      { start, end },
    );
    const rest = this.#mapped.filter((r) => !touching.includes(r));
    this.#mapped.length = 0;
    this.#mapped.push(...rest, merged);
    this.#mapped.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Mapped ranges in order, none touching another; `end` is the first address behind. */
  get ranges(): readonly { start: bigint; end: bigint }[] {
    return this.#mapped;
  }

  isMapped(addr: bigint, size: number): boolean {
    return this.#mapped.some((r) => r.start <= addr && addr + BigInt(size) <= r.end);
  }

  #check(what: "reads" | "writes", addr: bigint, size: number): void {
    if (size === 0 || this.isMapped(addr, size)) return;
    throw new GuestFault(`it ${what} ${size} bytes at 0x${addr.toString(16)}, and they are not all mapped`);
  }

  /** Tell `observer` of every access through this object; undefined: nobody. */
  observe(observer: MemoryObserver | undefined): void {
    this.#observer = observer;
  }

  read(addr: bigint, size: number): Uint8Array {
    this.#check("reads", addr, size);
    const bytes = this.#engine.read(addr, size);
    this.#observer?.read(addr, bytes);
    return bytes;
  }

  write(addr: bigint, bytes: Uint8Array): void {
    this.#check("writes", addr, bytes.length);
    this.#engine.write(addr, bytes);
    this.#observer?.write(addr, bytes);
  }

  /** Unsigned integer of 1, 2, 4 or 8 bytes. */
  load(addr: bigint, size: 1 | 2 | 4 | 8): bigint {
    const bytes = this.read(addr, size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return value;
  }

  store(addr: bigint, size: 1 | 2 | 4 | 8, value: bigint): void {
    const bytes = new Uint8Array(size);
    let rest = BigInt.asUintN(64, value);
    for (let i = 0; i < size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
    this.write(addr, bytes);
  }

  fill(addr: bigint, size: number, byte = 0): void {
    this.#check("writes", addr, size);
    this.write(addr, new Uint8Array(size).fill(byte));
  }
}
