import type { PlacedFunction } from "../../../emulator/placed.ts";
import { shortName } from "../../scenario/point.ts";
import type { Arrival } from "./step.ts";

/** bytes of a patch site */
const PATCH_SIZE = 5;

/** A BPF function under way: `top` is where its return address is. */
interface Frame {
  func: PlacedFunction;
  top: bigint;
}

/** The frames of BPF functions on one stack, as the instructions that execute tell them, and the names of their slots. */
export class Frames {
  readonly #frames: Frame[] = [];
  #tailCalls = 0;

  get depth(): number {
    return this.#frames.length;
  }

  /** An instruction is about to execute. `jumped`: it does not follow the one before in memory. */
  arrive(func: PlacedFunction | undefined, offset: number, rsp: bigint, jumped: boolean): Arrival | undefined {
    const frames = this.#frames;
    const before = frames.length;
    while (frames.length && frames[frames.length - 1].top < rsp) frames.pop();
    if (!func) return undefined;
    const current = frames[frames.length - 1];
    const named = { function: func.image.name };
    if (entered(func, offset) && jumped && current?.top !== rsp) {
      frames.push({ func, top: rsp });
      return { kind: "call", ...named, depth: frames.length };
    }
    if (offset === func.image.entry && jumped && current?.func.attached) current.func = func;
    if (current && offset === func.image.landing && jumped) {
      current.func = func;
      return { kind: "tail-call", ...named, depth: frames.length, nth: ++this.#tailCalls };
    }
    return frames.length < before && jumped ? { kind: "return", ...named, depth: frames.length } : undefined;
  }

  /** "tcc_ptr", "fp-8", "ret"; of an outer function "tcc of entry". Undefined: no frame has it. */
  slotAt(address: bigint): string | undefined {
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const { func, top } = this.#frames[i];
      if (address >= top + 8n) continue;
      const name = slotName(func, Number(top - address));
      return i === this.#frames.length - 1 ? name : `${name} of ${shortName(func.image.name)}`;
    }
    return undefined;
  }
}

/** At its entry, or where a trampoline that is called at its patch site calls it. */
function entered({ image, attached }: PlacedFunction, offset: number): boolean {
  return offset === image.entry || (attached && offset === (image.patchSite ?? 0) + PATCH_SIZE);
}

/** What is `below` bytes under a function's return address. */
function slotName({ image }: PlacedFunction, below: number): string {
  const inSlot = (name: string, at: number) => (below === at ? name : `${name}+${at - below}`);
  if (below <= 0) return inSlot("ret", 0);
  if (below <= 8) return inSlot("rbp", 8);
  const fp = below - 8;
  const { depth, slots } = image.frame ?? { depth: 0, slots: [] };
  if (fp <= depth) return `fp-${fp}`;
  const index = Math.ceil((fp - depth) / 8) - 1;
  return slots[index] ? inSlot(slots[index].name, 8 + depth + 8 * (index + 1)) : `rbp-0x${fp.toString(16)}`;
}
