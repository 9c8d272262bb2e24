import type { Engine, Watch } from "./engine.ts";
import { EVENT_WORDS } from "./engine.ts";
import type { PlacedFunction } from "./machine.ts";

/**
 * Points of a run that the machine reports: `enter` a function from its start, `land` in it by a tail call, its `body` (first
 * BPF instruction) reached, `resume` at a return site, `host`: a kernel function is entered.
 */
export type EventKind = "enter" | "land" | "body" | "resume" | "host";

/** A watched point of the code. */
export interface Watched {
  kind: EventKind;
  /** program#function or kernel symbol */
  name: string;
  /** bytes from the image's start */
  offset: number;
  func?: PlacedFunction;
}

/** Takes events in order; `words` are u64 records as EVENT_* describe them, `at` the record's first word. */
export type Observer = (watched: Watched, words: BigUint64Array, halves: Uint32Array, at: number) => void;

/** Hands the engine's event records to whoever wants to see the run. */
export class EventStream {
  readonly #engine: Engine;
  /** by watch id; 0 is none */
  readonly watched: (Watched | undefined)[] = [undefined];
  #observers: Observer[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.onEvents = (records, count) => this.#dispatch(records, count);
  }

  /** A new watch id. */
  add(watched: Watched, watch: Watch): number {
    const id = this.watched.push(watched) - 1;
    this.#engine.watch(id, watch);
    return id;
  }

  /** Replace all observers. */
  observe(...observers: Observer[]): void {
    this.#observers = observers;
  }

  #dispatch(records: BigUint64Array, count: number): void {
    const halves = new Uint32Array(records.buffer, records.byteOffset, records.length * 2);
    const observers = this.#observers;
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      const watched = this.watched[halves[at * 2]];
      if (!watched) continue;
      for (const observer of observers) observer(watched, records, halves, at);
    }
  }
}
