import { EVENT_PC, EVENT_REGS, EVENT_TOP, RSP } from "../../emulator/engine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { Event } from "../../emulator/recording.ts";

/** u32 words of a frame: registers rax..r15, then the return address. */
const FRAME = 34;

/**
 * The calls that are under way, as the events tell them: registers at each function's entry, by its return address. Frames
 * are u32 halves in one array, so that a call costs no allocation.
 */
export class Frames {
  #words = new Uint32Array(FRAME * 64);
  #depth = 0;
  /** the functions, a tail callee in place of its caller; from `depth` on they have returned */
  readonly functions: (PlacedFunction | undefined)[] = [];

  get depth(): number {
    return this.#depth;
  }

  /** A function is entered, by a call, or by a jump from the patch site of the one whose frame it takes over. */
  enter(event: Event): void {
    const { halves, at } = event;
    const from = 2 * (at + EVENT_REGS);
    if (this.#jumpedTo(halves, from + 2 * RSP)) return this.replace(event.watched.func);
    const base = this.#depth * FRAME;
    if (base + FRAME > this.#words.length) this.#grow();
    const words = this.#words;
    for (let i = 0; i < 32; i++) words[base + i] = halves[from + i];
    words[base + 32] = halves[2 * (at + EVENT_TOP)];
    words[base + 33] = halves[2 * (at + EVENT_TOP) + 1];
    this.functions[this.#depth++] = event.watched.func;
  }

  #jumpedTo(halves: Uint32Array, rsp: number): boolean {
    const top = this.depth - 1;
    return top >= 0 && this.functions[top]?.attached === true && this.same(top, RSP, halves[rsp], halves[rsp + 1]);
  }

  /** A tail call took the innermost frame over. */
  replace(callee: PlacedFunction | undefined): void {
    this.functions[this.#depth - 1] = callee;
  }

  /** Index of the frame that returns to this event's pc, -1 when none does; frames above it are gone. */
  find(event: Event): number {
    const low = event.halves[2 * (event.at + EVENT_PC)];
    const high = event.halves[2 * (event.at + EVENT_PC) + 1];
    const words = this.#words;
    for (let i = this.#depth - 1; i >= 0; i--)
      if (words[i * FRAME + 32] === low && words[i * FRAME + 33] === high) return i;
    return -1;
  }

  /** Drop frame `index` and all that it called. */
  leave(index: number): void {
    this.#depth = index;
  }

  /** Low and high half of a register at the entry of frame `index` equal these? */
  same(index: number, reg: number, low: number, high: number): boolean {
    const at = index * FRAME + 2 * reg;
    return this.#words[at] === low && this.#words[at + 1] === high;
  }

  /** Low and high half of rsp are what they must be after the function returned? */
  sameReturnedRsp(index: number, low: number, high: number): boolean {
    const at = index * FRAME + 2 * RSP;
    const popped = (this.#words[at] + 8) >>> 0;
    return popped === low && this.#words[at + 1] + (popped < 8 ? 1 : 0) === high;
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
