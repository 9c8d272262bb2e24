import { setImmediate } from "node:timers/promises";
import type { Stop } from "../../../emulator/engine.ts";
import { type Hit, searchBackward, searchForward, type Targets } from "../timeline/search.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { type Reason, signalOf } from "./stops.ts";
import { returnSlotOf } from "./tail-called.ts";

/** Milliseconds after which a search looks whether it is to be interrupted. */
const PATIENCE = 20;

/** No instruction is in it: the very next state is one to stop in. */
const NOWHERE = { start: 0n, end: 0n };

/** Moves through a recording as gdb's commands say, and tells why it stopped. */
export class Motion {
  readonly #timeline: Timeline;
  #interrupted = false;
  /** how the end was told of last */
  #signalled: Stop | undefined;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Stop what is under way, or about to be, where it has got to. */
  interrupt(): void {
    this.#interrupted = true;
  }

  /** What was to be interrupted is over. */
  rest(): void {
    this.#interrupted = false;
  }

  async continue(targets: Targets): Promise<Reason> {
    return (await this.#search(searchForward, targets)) ?? this.#arriveAtEnd();
  }

  async reverseContinue(targets: Targets): Promise<Reason> {
    const timeline = this.#timeline;
    const slot = returnSlotOf(timeline.machine, timeline.pc, targets.breakpoints);
    if (!slot) return (await this.#search(searchBackward, targets)) ?? this.#arriveAtStart();
    const reason = await this.#search(searchBackward, { ...targets, watchpoints: [...targets.watchpoints, slot] });
    if (reason?.kind !== "hit" || reason.hit.watchpoint !== slot) return reason ?? this.#arriveAtStart();
    timeline.seek(timeline.at + 1);
    return { kind: "stepped" };
  }

  /** One instruction, or as many as it takes to leave `range`. */
  async step({ watchpoints, breakpoints }: Targets, range?: Targets["range"]): Promise<Reason> {
    if (range) return this.continue({ watchpoints, breakpoints, range });
    const timeline = this.#timeline;
    if (timeline.at === timeline.end) return this.#arriveAtEnd();
    if (watchpoints.length) return this.continue({ watchpoints, breakpoints: new Set(), range: NOWHERE });
    timeline.seek(timeline.at + 1);
    const { stop } = timeline.piece;
    return timeline.at === timeline.end && signalOf(stop) !== undefined ? this.#arriveAtEnd() : { kind: "stepped" };
  }

  async reverseStep({ watchpoints }: Targets): Promise<Reason> {
    const timeline = this.#timeline;
    if (timeline.at === 0) return { kind: "history", end: "begin" };
    if (watchpoints.length) return this.reverseContinue({ watchpoints, breakpoints: new Set(), range: NOWHERE });
    timeline.seek(timeline.at - 1);
    return { kind: "stepped" };
  }

  #arriveAtStart(): Reason {
    this.#timeline.seek(0);
    return { kind: "history", end: "begin" };
  }

  /** A run that cannot go on has its signal; who tries to go on all the same hears that there is no more. */
  #arriveAtEnd(): Reason {
    const timeline = this.#timeline;
    const wasThere = timeline.at === timeline.end;
    timeline.seek(timeline.end);
    const { stop } = timeline.piece;
    if (signalOf(stop) === undefined || (wasThere && this.#signalled === stop)) return { kind: "history", end: "end" };
    return this.#signal(stop);
  }

  #signal(stop: Stop): Reason {
    this.#signalled = stop;
    return { kind: "signal", stop };
  }

  /** Undefined: nothing was found. */
  async #search(
    how: (timeline: Timeline, targets: Targets) => Generator<number, Hit | undefined>,
    targets: Targets,
  ): Promise<Reason | undefined> {
    const timeline = this.#timeline;
    const searching = how(timeline, targets);
    try {
      for (let since = performance.now(); ; ) {
        const { done, value } = searching.next();
        if (done) {
          if (!value) return undefined;
          timeline.seek(value.state);
          return { kind: "hit", hit: value };
        }
        if (performance.now() - since < PATIENCE) continue;
        await setImmediate();
        since = performance.now();
        if (!this.#interrupted) continue;
        timeline.seek(value);
        return { kind: "interrupted" };
      }
    } finally {
      timeline.comeBack();
    }
  }
}
