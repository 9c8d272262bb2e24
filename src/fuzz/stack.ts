import * as O from "../../bpf/opcode.ts";
import type { CodeWriter } from "./code-writer.ts";

/** A function's stack: 8-byte slots below R10, the first one the context's where that is kept there. */
export class Stack {
  readonly #code: CodeWriter;
  readonly #first: number;
  /** slots for numbers */
  readonly slots: number;
  /** bit n: slot n holds 8 bytes of a number */
  written = 0;

  constructor(code: CodeWriter, keepsContext: boolean, slots: number, limit: number) {
    this.#code = code;
    this.#first = keepsContext ? 1 : 0;
    this.slots = Math.min(slots, limit / 8 - 1);
  }

  /** R10-relative offset of a slot. */
  offset(slot: number): number {
    return -8 * (this.#first + slot + 1);
  }

  saveContext(): void {
    this.#code.put(O.BPF_STX | O.BPF_MEM | O.BPF_DW, 10, 1, -8);
  }

  loadContext(): void {
    this.#code.put(O.BPF_LDX | O.BPF_MEM | O.BPF_DW, 1, 10, -8);
  }

  /** The slot gets a value where it has none. */
  ensure(slot: number): void {
    if (this.written & (1 << slot)) return;
    this.#code.put(O.BPF_ST | O.BPF_MEM | O.BPF_DW, 10, 0, this.offset(slot), slot);
    this.written |= 1 << slot;
  }
}
