import { EVENT_ICOUNT } from "../../emulator/engine.ts";
import type { Observer } from "../../emulator/recording.ts";

/**
 * A moment of a run that a scenario names: "FUNCTION" when its first BPF instruction is reached, "FUNCTION:3" the third time,
 * "tail call 33" when the callee of the 33rd tail call is there.
 */
export type Point = { kind: "function"; name: string; nth: number } | { kind: "tail-call"; nth: number };

/** Undefined: the text names no moment. */
export function parsePoint(text: string): Point | undefined {
  const tail = /^tail call (\d+)$/.exec(text);
  if (tail) return { kind: "tail-call", nth: Number(tail[1]) };
  const fn = /^([A-Za-z_.$][\w.$]*(?:#[\w.$]+)?)(?::(\d+))?$/.exec(text);
  return fn ? { kind: "function", name: fn[1], nth: Number(fn[2] ?? 1) } : undefined;
}

/** The function's name without its program's. */
export const shortName = (image: string): string => image.slice(image.indexOf("#") + 1);

/** Watches a run for a point; `icount` says how many instructions had executed when it was reached. */
export class PointFinder {
  readonly #point: Point;
  #seen = 0;
  #landed = false;
  icount: number | undefined;

  constructor(point: Point) {
    this.#point = point;
  }

  readonly observe: Observer = (event) => {
    if (this.icount !== undefined) return;
    if (event.kind === "land" && this.#point.kind === "tail-call") this.#landed = ++this.#seen === this.#point.nth;
    if (event.kind !== "body") return;
    const { name } = event.watched;
    if (this.#point.kind === "function") {
      if (name !== this.#point.name && shortName(name) !== this.#point.name) return;
      if (++this.#seen < this.#point.nth) return;
    } else if (!this.#landed) return;
    this.icount = Number(event.words[event.at + EVENT_ICOUNT]);
  };
}
