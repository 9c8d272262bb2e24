import type { Allocator } from "./allocator.ts";

/** Bytes of a function of the kernel, and what its start is aligned to, unless somebody knows better. */
const SIZE = 64;

/** Kernel symbols: name to address and back. A function that nobody gave an address gets the next free one. */
export class SymbolTable {
  readonly #addresses = new Map<string, bigint>();
  readonly #names = new Map<bigint, string>();
  readonly #sizes = new Map<string, number>();
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
  address(name: string, size = SIZE): bigint {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    const address = this.#text.take(size, SIZE);
    this.define(name, address);
    this.#sizes.set(name, size);
    return address;
  }

  nameAt(address: bigint): string | undefined {
    return this.#names.get(address);
  }

  /** The symbol whose first 64 bytes, or as many as it was given room for, hold the address; `offset` in bytes. */
  at(address: bigint): { name: string; offset: number } | undefined {
    for (const [name, start] of this.#addresses) {
      const offset = address - start;
      if (offset >= 0n && offset < (this.#sizes.get(name) ?? SIZE)) return { name, offset: Number(offset) };
    }
    return undefined;
  }

  entries(): IterableIterator<[string, bigint]> {
    return this.#addresses.entries();
  }
}
