import { EVENT_ICOUNT } from "../../emulator/engine.ts";
import type { Observer } from "../../emulator/recording.ts";
import { isNamed, type Point } from "../scenario/point.ts";

/** Watches a run for a point that events tell; `icount` says how many instructions had executed when it was reached. */
export class PointFinder {
  readonly #point: Point;
  #seen = 0;
  #landed = false;
  icount: number | undefined;

  constructor(point: Point) {
    this.#point = point;
  }

  readonly observe: Observer = (event) => {
    const point = this.#point;
    if (this.icount !== undefined) return;
    if (event.kind === "land" && point.kind === "tail-call") this.#landed = ++this.#seen === point.nth;
    if (event.kind !== "body") return;
    if (point.kind === "function") {
      if (!isNamed(event.watched.name, point.name) || ++this.#seen < point.nth) return;
    } else if (!this.#landed) return;
    this.icount = Number(event.words[event.at + EVENT_ICOUNT]);
  };
}
