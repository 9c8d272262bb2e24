/** Bytes that grow at the end, little endian, with DWARF's variable-length numbers. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(...values: number[]): this {
    this.#bytes.push(...values.map((value) => value & 0xff));
    return this;
  }

  u16(value: number): this {
    return this.u8(value, value >> 8);
  }

  u32(value: number): this {
    return this.u8(value, value >> 8, value >> 16, value >> 24);
  }

  u64(value: bigint): this {
    const word = BigInt.asUintN(64, value);
    return this.u32(Number(word & 0xffffffffn)).u32(Number(word >> 32n));
  }

  uleb(value: number): this {
    let rest = value;
    do {
      this.u8((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      rest = Math.floor(rest / 128);
    } while (rest);
    return this;
  }

  sleb(value: number): this {
    for (let rest = value; ; ) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if (rest === (byte & 0x40 ? -1 : 0)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  /** The text's bytes and a zero. */
  string(text: string): this {
    return this.bytes(Buffer.from(text)).u8(0);
  }

  bytes(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** `content` behind its own length in u32. */
  sized(content: ByteWriter): this {
    return this.u32(content.length).bytes(content.#bytes);
  }

  /** Fill up with `byte` to a multiple of `size`. */
  align(size: number, byte = 0): this {
    while (this.#bytes.length % size) this.#bytes.push(byte);
    return this;
  }

  take(): Buffer {
    return Buffer.from(this.#bytes);
  }
}
