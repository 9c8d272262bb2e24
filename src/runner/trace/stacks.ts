import { EVENT_ICOUNT, type Stop } from "../../../emulator/engine.ts";
import type { Machine } from "../../../emulator/machine.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Spectator } from "../session.ts";
import { drawStack } from "../stack-picture.ts";

/** When a tail call's callee has made its frame: in which piece of the run, behind how many instructions. */
export interface TailCallMoment {
  piece: number;
  icount: number;
  callee: string;
}

/** Finds the moments, in a first run. */
export class TailCallFinder implements Spectator {
  readonly moments: TailCallMoment[] = [];
  readonly #machine: Machine;
  #piece = 0;
  #landed = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  resume(budget: number): Stop {
    this.#piece++;
    return this.#machine.resume(budget);
  }

  readonly observe = ({ kind, watched, words, at }: Event): void => {
    if (kind === "land") this.#landed = true;
    else if (kind === "body" && this.#landed) {
      this.#landed = false;
      this.moments.push({ piece: this.#piece, icount: Number(words[at + EVENT_ICOUNT]), callee: watched.name });
    }
  };
}

/** Stops at the moments, in a second run that is the same, and draws the stack. */
export class StackArtist implements Spectator {
  readonly #machine: Machine;
  readonly #moments: readonly TailCallMoment[];
  readonly #show: (number: number, moment: TailCallMoment, picture: string) => void;
  #piece = 0;
  #shown = 0;

  constructor(
    machine: Machine,
    moments: readonly TailCallMoment[],
    show: (number: number, moment: TailCallMoment, picture: string) => void,
  ) {
    this.#machine = machine;
    this.#moments = moments;
    this.#show = show;
  }

  resume(budget: number): Stop {
    const { engine } = this.#machine;
    const end = engine.icount + budget;
    this.#piece++;
    for (; ; this.#shown++) {
      const moment = this.#moments[this.#shown];
      if (moment?.piece !== this.#piece) return this.#machine.resume(end - engine.icount);
      const stop = this.#machine.resume(moment.icount - engine.icount);
      if (stop.kind !== "budget") return stop;
      this.#show(this.#shown + 1, moment, drawStack(this.#machine));
    }
  }
}
