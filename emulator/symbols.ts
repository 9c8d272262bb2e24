import type { Allocator } from "./allocator.ts";

/** Kernel symbols: name to address and back. A function that nobody gave an address gets the next free one. */
export class SymbolTable {
  readonly #addresses = new Map<string, bigint>();
  readonly #names = new Map<bigint, string>();
  readonly #text: Allocator;

  constructor(text: Allocator, given: Record<string, bigint> = {}) {
    this.#text = text;
    for (const [name, address] of Object.entries(given)) this.define(name, address);
  }

  define(name: string, address: bigint): void {
    this.#addresses.set(name, address);
    if (!this.#names.has(address)) this.#names.set(address, name);
  }

  has(name: string): boolean {
    return this.#addresses.has(name);
  }

  /** Address of the symbol, allocating room for `size` bytes of text if it has none yet. */
  address(name: string, size = 64): bigint {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    const address = this.#text.take(size, 64);
    this.define(name, address);
    return address;
  }

  nameAt(address: bigint): string | undefined {
    return this.#names.get(address);
  }

  entries(): IterableIterator<[string, bigint]> {
    return this.#addresses.entries();
  }
}
