import { EVENT_PC, EVENT_REGS, EVENT_TOP, RSP } from "../../emulator/engine.ts";
import type { PlacedFunction } from "../../emulator/machine.ts";
import type { Event } from "../../emulator/recording.ts";

/** u32 words of a frame: registers rax..r15, then the return address. */
const FRAME = 34;

/**
 * The calls that are under way, as the events tell them: registers at each function's entry, by its return address. Frames
 * are u32 halves in one array, so that a call costs no allocation.
 */
export class Frames {
  #words = new Uint32Array(FRAME * 64);
  /** the functions, a tail callee in place of its caller */
  readonly functions: (PlacedFunction | undefined)[] = [];

  get depth(): number {
    return this.functions.length;
  }

  /** A function is entered. */
  enter(event: Event): void {
    const base = this.depth * FRAME;
    if (base + FRAME > this.#words.length) this.#grow();
    const from = 2 * (event.at + EVENT_REGS);
    this.#words.set(event.halves.subarray(from, from + 32), base);
    this.#words[base + 32] = event.halves[2 * (event.at + EVENT_TOP)];
    this.#words[base + 33] = event.halves[2 * (event.at + EVENT_TOP) + 1];
    this.functions.push(event.watched.func);
  }

  /** A tail call took the innermost frame over. */
  replace(callee: PlacedFunction | undefined): void {
    this.functions[this.depth - 1] = callee;
  }

  /** Index of the frame that returns to this event's pc, -1 when none does; frames above it are gone. */
  find(event: Event): number {
    const low = event.halves[2 * (event.at + EVENT_PC)];
    const high = event.halves[2 * (event.at + EVENT_PC) + 1];
    for (let i = this.depth - 1; i >= 0; i--)
      if (this.#words[i * FRAME + 32] === low && this.#words[i * FRAME + 33] === high) return i;
    return -1;
  }

  /** Drop frame `index` and all that it called. */
  leave(index: number): void {
    this.functions.length = index;
  }

  /** Low and high half of a register at the entry of frame `index` equal these? */
  same(index: number, reg: number, low: number, high: number): boolean {
    const at = index * FRAME + 2 * reg;
    return this.#words[at] === low && this.#words[at + 1] === high;
  }

  register(index: number, reg: number): bigint {
    const at = index * FRAME + 2 * reg;
    return (BigInt(this.#words[at + 1]) << 32n) | BigInt(this.#words[at]);
  }

  /** rsp as it must be after the function returned */
  returnedRsp(index: number): bigint {
    return this.register(index, RSP) + 8n;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
  }
}
