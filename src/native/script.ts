/** Commands for emulator/native-check/oncpu.c, and how many numbers each answers with. */
export class Script {
  readonly #parts: Uint8Array[] = [];
  answers = 0;

  #command(name: string, ...numbers: bigint[]): void {
    const bytes = Buffer.alloc(1 + 8 * numbers.length);
    bytes.write(name, "latin1");
    numbers.forEach((number, i) => {
      bytes.writeBigUInt64LE(number, 1 + 8 * i);
    });
    this.#parts.push(bytes);
  }

  map(address: bigint, size: bigint): void {
    this.#command("M", address, size);
  }

  write(address: bigint, bytes: Uint8Array): void {
    this.#command("W", address, BigInt(bytes.length));
    this.#parts.push(bytes);
  }

  gs(base: bigint): void {
    this.#command("G", base);
  }

  /** How long an entry may take from here on; 0: for ever. */
  patience(seconds: number): void {
    this.#command("T", BigInt(seconds));
  }

  /** Three answers: the signal that ended it or 0, rax, callee-saved registers that changed. Returns the index of the first. */
  enter(entry: bigint, context: bigint): number {
    this.#command("X", entry, context);
    this.answers += 3;
    return this.answers - 3;
  }

  /** One answer: the u64 at an address. Returns its index. */
  load(address: bigint): number {
    this.#command("L", address, 0n);
    return this.answers++;
  }

  /** One answer: the offset of the first byte that differs, or all ones. Returns its index. */
  compare(address: bigint, bytes: Uint8Array): number {
    this.#command("C", address, BigInt(bytes.length));
    this.#parts.push(bytes);
    return this.answers++;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
