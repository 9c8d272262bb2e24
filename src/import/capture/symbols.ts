/** Addresses of a capture's kernel symbols, "name" or "name+0x12". */
export class CaptureSymbols {
  readonly #addresses: Record<string, bigint>;

  constructor(addresses: Record<string, bigint>) {
    this.#addresses = addresses;
  }

  /** Throws RangeError when the capture doesn't know it. */
  address(name: string): bigint {
    const found = this.#addresses[name];
    if (found !== undefined) return found;
    const [, symbol, offset] = /^(.+)\+(0x[0-9a-f]+)$/.exec(name) ?? [];
    const base = symbol === undefined ? undefined : this.#addresses[symbol];
    if (base === undefined) throw new RangeError(`the capture doesn't say where ${name} is`);
    return BigInt.asUintN(64, base + BigInt(offset));
  }
}
