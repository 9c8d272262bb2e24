import type { InsnFlags } from "../../bpf/image.ts";

/**
 * The buffer that machine code is written into, pass after pass. In the last pass it also records where each machine
 * instruction starts and how it moves control and the stack, so that nobody has to decode the bytes again.
 */
export class Code {
  bytes: Uint8Array = new Uint8Array(4096);
  /** next byte to write = bytes written */
  pos = 0;
  /** true in the pass whose bytes are kept: only then addresses matter */
  final = false;
  /** start of each machine instruction and its flags, in the last pass */
  starts: number[] = [];
  flags: InsnFlags[] = [];
  /** offset -> what the instruction there is for */
  notes: Map<number, string> = new Map();

  /** Start a pass. */
  restart(final: boolean): void {
    this.pos = 0;
    this.final = final;
    this.starts = [];
    this.flags = [];
    this.notes = new Map();
  }

  /** An instruction starts here. */
  insn(flags: InsnFlags = 0): void {
    if (this.pos + 32 > this.bytes.length) this.grow();
    if (!this.final) return;
    this.starts.push(this.pos);
    this.flags.push(flags);
  }

  /** Say what the next instruction is for. */
  note(text: string): void {
    if (this.final) this.notes.set(this.pos, text);
  }

  /** Add a flag to the instruction emitted last. */
  mark(flag: InsnFlags): void {
    if (this.final) this.flags[this.flags.length - 1] |= flag;
  }

  u8(value: number): void {
    this.bytes[this.pos++] = value;
  }

  u16(value: number): void {
    this.bytes[this.pos] = value;
    this.bytes[this.pos + 1] = value >> 8;
    this.pos += 2;
  }

  u32(value: number): void {
    const { bytes, pos } = this;
    bytes[pos] = value;
    bytes[pos + 1] = value >> 8;
    bytes[pos + 2] = value >> 16;
    bytes[pos + 3] = value >> 24;
    this.pos = pos + 4;
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2);
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
