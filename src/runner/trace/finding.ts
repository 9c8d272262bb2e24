import { EVENT_ICOUNT, type Stop } from "../../../emulator/engine.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Finding } from "../../checks/finding.ts";
import type { Scenario, Step } from "../../scenario/scenario.ts";
import type { World } from "../build.ts";
import type { FindingPlace } from "./point.ts";
import { type RunWatcher, watchScenario } from "./run.ts";
import type { TracedStep } from "./step.ts";
import { Tracer } from "./tracer.ts";

/** Steps that are remembered: a finding is noticed soon behind the instruction that it names. */
const REMEMBERED = 4096;

class Found extends Error {}

/** Where the first finding of a scenario is; undefined: no contract is broken. The world is fresh, and used up. */
export function findFinding(world: World, scenario: Scenario, steps: readonly Step[]): FindingPlace | undefined {
  const seeker = new Seeker(world);
  try {
    watchScenario(world, scenario, steps, seeker);
  } catch (error) {
    if (!(error instanceof Found)) throw error;
  }
  return seeker.place;
}

class Seeker implements RunWatcher {
  readonly #tracer: Tracer;
  #recent: { index: number; pc: bigint; icount: number }[] = [];
  #finding: Finding | undefined;
  /** when it was noticed; undefined: the run had stopped */
  #noticed: number | undefined;
  place: FindingPlace | undefined;

  constructor(world: World) {
    this.#tracer = new Tracer(world, (step) => this.#take(step));
  }

  resume(budget: number): Stop {
    return this.#tracer.resume(budget);
  }

  found(finding: Finding): void {
    this.#finding ??= finding;
  }

  /** Comes behind the checks, so the event is the one that a check has just reported of. */
  readonly observe = ({ words, at }: Event): void => {
    if (this.#finding) this.#noticed ??= Number(words[at + EVENT_ICOUNT]);
  };

  ends(): void {
    if (this.#finding) this.#settle();
  }

  #take({ index, icount, instruction: { pc } }: TracedStep): void {
    if (this.#noticed !== undefined && icount > this.#noticed) this.#settle();
    this.#recent.push({ index, pc, icount });
    if (this.#recent.length > 2 * REMEMBERED) this.#recent = this.#recent.slice(-REMEMBERED);
  }

  #settle(): never {
    const last = this.#recent[this.#recent.length - 1];
    const at = this.#recent.findLast(({ pc }) => pc === this.#finding!.pc) ?? last;
    this.place = { at: at.index, noticed: last.index };
    throw new Found();
  }
}
