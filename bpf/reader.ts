/** A binary file that is not what its format says. `offset`: bytes from the start of `what`. */
export class FormatError extends Error {
  override name = "FormatError";
  readonly what: string;
  readonly offset: number | undefined;

  constructor(what: string, message: string, offset?: number) {
    super(`${what}: ${message}${offset === undefined ? "" : ` (at byte ${offset})`}`);
    this.what = what;
    this.offset = offset;
  }
}

/** Little-endian integers of a piece of a file. Every read is checked: beyond the end it throws FormatError. */
export class Reader {
  readonly bytes: Uint8Array;
  /** what the bytes are, for errors: "section .BTF" */
  readonly what: string;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.what = what;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.bytes.length;
  }

  fail(message: string, offset?: number): never {
    throw new FormatError(this.what, message, offset);
  }

  #check(at: number, size: number): void {
    if (at < 0 || at + size > this.bytes.length)
      this.fail(`is cut short: expected ${size} more bytes, it has ${this.bytes.length} in all`, at);
  }

  u8(at: number): number {
    this.#check(at, 1);
    return this.bytes[at];
  }

  u16(at: number): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, true);
  }

  s32(at: number): number {
    this.#check(at, 4);
    return this.#view.getInt32(at, true);
  }

  u64(at: number): bigint {
    this.#check(at, 8);
    return this.#view.getBigUint64(at, true);
  }

  /** A u64 that is a size or a place in a file. */
  size(at: number): number {
    const value = this.u64(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`0x${value.toString(16)} is no place in a file`, at);
    return Number(value);
  }

  slice(at: number, size: number): Uint8Array {
    this.#check(at, size);
    return this.bytes.subarray(at, at + size);
  }

  /** Characters up to the NUL byte. */
  text(at: number): string {
    this.#check(at, 1);
    const end = this.bytes.indexOf(0, at);
    if (end < 0) this.fail("a text has no end", at);
    return new TextDecoder().decode(this.bytes.subarray(at, end));
  }
}
