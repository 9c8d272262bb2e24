import type { Engine } from "./engine.ts";

export const PAGE = 4096n;
export const pageDown = (addr: bigint): bigint => addr & ~(PAGE - 1n);
export const pageUp = (addr: bigint): bigint => (addr + PAGE - 1n) & ~(PAGE - 1n);

/** Guest memory by address, for whoever models the kernel: maps, helpers, contexts. Little endian, protection ignored. */
export class GuestMemory {
  readonly #engine: Engine;
  /** mapped ranges, sorted by start */
  readonly #mapped: { start: bigint; end: bigint }[] = [];

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

  isMapped(addr: bigint, size: number): boolean {
    return this.#mapped.some((r) => r.start <= addr && addr + BigInt(size) <= r.end);
  }

  read(addr: bigint, size: number): Uint8Array {
    return this.#engine.read(addr, size);
  }

  write(addr: bigint, bytes: Uint8Array): void {
    this.#engine.write(addr, bytes);
  }

  /** Unsigned integer of 1, 2, 4 or 8 bytes. */
  load(addr: bigint, size: 1 | 2 | 4 | 8): bigint {
    const bytes = this.#engine.read(addr, size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return value;
  }

  store(addr: bigint, size: 1 | 2 | 4 | 8, value: bigint): void {
    const bytes = new Uint8Array(size);
    let rest = BigInt.asUintN(64, value);
    for (let i = 0; i < size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
    this.#engine.write(addr, bytes);
  }

  fill(addr: bigint, size: number, byte = 0): void {
    this.#engine.write(addr, new Uint8Array(size).fill(byte));
  }
}
