import type { Engine, Watch } from "./engine.ts";
import { EVENT_PC, EVENT_WORDS, MARK_BY_RET } from "./engine.ts";
import type { PlacedFunction } from "./placed.ts";

/**
 * Points of a run that the machine reports: `enter` a function from its start, `land` in it by a tail call, its `body` (first
 * BPF instruction) reached, `resume` at a return site, `tail`: a tail call is tried, `host`: a kernel function is entered, `reenter`: a
 * trampoline calls the function that it traces behind its patch site.
 */
export type EventKind = "enter" | "land" | "body" | "resume" | "tail" | "host" | "reenter";

/** Watched points of the code that mean the same. */
export interface Watched {
  kinds: EventKind[];
  /** program#function or kernel symbol */
  name: string;
  func?: PlacedFunction;
}

/** One event: `words` are u64 records as EVENT_* describe them, `halves` the same as u32, `at` the record's first word. */
export interface Event {
  kind: EventKind;
  watched: Watched;
  words: BigUint64Array;
  halves: Uint32Array;
  at: number;
}

/** Takes events in order. The event object is reused: keep what you need of it, not the object. */
export type Observer = (event: Event) => void;

/** Hands the engine's event records to whoever wants to see the run. */
export class EventStream {
  readonly #engine: Engine;
  /** by watch id; 0 is none */
  readonly watched: (Watched | undefined)[] = [undefined];
  /** what each id does, by id */
  readonly #watches: (Watch | undefined)[] = [undefined];
  #stopping: number[] = [];
  #observers: Observer[] = [];
  /** where the last event in a placed function was, those of all runs so far */
  lastInFunction: bigint | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.onEvents = (records, count) => this.#dispatch(records, count);
  }

  /** A new watch id. */
  add(watched: Watched, watch: Watch): number {
    const id = this.watched.push(watched) - 1;
    this.#watches[id] = watch;
    this.#engine.watch(id, watch);
    return id;
  }

  /** Until release(): the run stops at points of these kinds, instead of what they are there for. */
  stopAt(kinds: readonly EventKind[]): void {
    for (const [id, watched] of this.watched.entries()) {
      const watch = this.#watches[id];
      if (!watched?.kinds.some((kind) => kinds.includes(kind)) || !watch) continue;
      this.#stopping.push(id);
      this.#engine.watch(id, { stop: true, transfersOnly: watch.transfersOnly });
    }
  }

  release(): void {
    for (const id of this.#stopping) this.#engine.watch(id, this.#watches[id]!);
    this.#stopping = [];
  }

  /** Replace all observers. */
  observe(...observers: Observer[]): void {
    this.#observers = observers;
  }

  #dispatch(records: BigUint64Array, count: number): void {
    const halves = new Uint32Array(records.buffer, records.byteOffset, records.length * 2);
    const event: Event = { kind: "host", watched: NOTHING, words: records, halves, at: 0 };
    const observers = this.#observers;
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      const watched = this.watched[halves[at * 2]];
      if (!watched) continue;
      event.watched = watched;
      event.at = at;
      const { kinds } = watched;
      for (let k = 0; k < kinds.length; k++) {
        const kind = kinds[k];
        // a landing pad is passed on the way in, a return site may be jumped to
        if (kind === "land" && !halves[at * 2 + 1]) continue;
        if (kind === "resume" && halves[at * 2 + 1] !== MARK_BY_RET) continue;
        if (kind === "reenter" && (halves[at * 2 + 1] === 0 || halves[at * 2 + 1] === MARK_BY_RET)) continue;
        event.kind = kind;
        for (let o = 0; o < observers.length; o++) observers[o](event);
      }
    }
    for (let at = (count - 1) * EVENT_WORDS; at >= 0; at -= EVENT_WORDS)
      if (this.watched[halves[at * 2]]?.func) {
        this.lastInFunction = records[at + EVENT_PC];
        break;
      }
  }
}

const NOTHING: Watched = { kinds: [], name: "" };
