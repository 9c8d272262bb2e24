import { countExactly, type ExactRun } from "../exact/count.ts";
import type { Expectation, Scenario, Step } from "../scenario/scenario.ts";
import type { LoadedSource, World } from "./build.ts";
import { enterOptions } from "./enter-options.ts";
import { type DisturbedRun, runWithEvents } from "./events.ts";
import { unmet } from "./expectations.ts";
import { Explorer } from "./explore.ts";
import { guarded } from "./guarded.ts";
import type { StepsOutcome } from "./judge.ts";
import { comparePictures } from "./pictures.ts";
import type { Mismatch } from "./result.ts";
import type { EnterOptions, Outcome } from "./session.ts";
import { deleteElement, updateMap } from "./update.ts";

/** A way to get to the end of a run that goes past the limit: run it, or count it by what its functions did before; `budget` in executed instructions. */
interface Way {
  by: "running" | "memo";
  budget: number;
}
/** Cheapest first: an end is near, or the run repeats itself; else there may be one further on. */
const WAYS: readonly Way[] = [
  { by: "running", budget: 20_000 },
  { by: "memo", budget: 20_000 },
  { by: "running", budget: 200_000 },
  { by: "memo", budget: 300_000 },
];

type RunStep = Extract<Step, { kind: "run" }>;

/**
 * A scenario's steps on fresh worlds. A run that is ended at the first tail call past the limit is taken up again from the start of
 * the scenario, counted exactly, so that what it returns and leaves in the maps is known, too.
 */
export class ScenarioRun {
  readonly #build: () => World;
  readonly #scenario: Scenario;
  readonly #steps: readonly Step[];
  readonly #lastRun: number;
  /** given: checks; a run that goes past the limit is only worth following where that is among them */
  readonly #expected: readonly string[] | undefined;
  /** steps that go past the limit, and how they are got through */
  readonly #past = new Map<number, Way>();
  #world: World;

  constructor(build: () => World, scenario: Scenario, steps: readonly Step[], expected?: readonly string[]) {
    this.#expected = expected;
    this.#build = build;
    this.#scenario = scenario;
    this.#steps = steps;
    this.#lastRun = steps.findLastIndex(({ kind }) => kind === "run");
    this.#world = this.#fresh();
  }

  /** Close after the last use. */
  get world(): World {
    return this.#world;
  }

  close(): void {
    this.#world.session.machine.close();
  }

  #fresh(): World {
    const world = this.#build();
    for (const { name, values } of this.#scenario.maps)
      for (const entry of values) updateMap(world.kernel, name, entry, this.#scenario.file);
    return world;
  }

  run(): StepsOutcome {
    const all: StepsOutcome = { outcome: undefined, findings: [], mismatches: [] };
    for (const [index, step] of this.#steps.entries()) {
      if (step.kind === "run") this.#judgeRun(step, index, all);
      else this.#update(step);
    }
    return all;
  }

  #update(step: Exclude<Step, RunStep>): void {
    const { kernel } = this.#world;
    if (step.kind === "delete") for (const { map, key } of step.entries) deleteElement(kernel, map, key);
    else for (const entry of step.entries) updateMap(kernel, entry.map, entry, this.#scenario.file);
  }

  #judgeRun(step: RunStep, index: number, all: StepsOutcome): void {
    const { session } = this.#world;
    const program = this.#program(step);
    const options = this.#options(step);
    const pictures = step.expect.stack.length ? session.machine.engine.snapshot() : undefined;
    const explore = index === this.#lastRun ? this.#scenario.explore : undefined;
    const before = explore && { memory: session.machine.engine.snapshot(), kernel: this.#world.kernel.save() };
    const { outcome: plain, mismatches } = this.#enter(step, options);
    all.mismatches.push(...mismatches);
    // on the world of this run: one that goes past the limit is counted on another
    const drawn = pictures ? comparePictures(this.#world, options, step.expect.stack, pictures) : [];
    const past = plain.findings.some(({ check }) => check === "tail-call-limit");
    const worthIt = (this.#expected?.includes("tail-call-limit") ?? true) && !this.#isLeftOpen(step, index);
    const outcome = past && worthIt && plain.r0 === undefined ? this.#goOn(plain, index) : plain;
    const { kernel, features } = this.#world;
    all.outcome = outcome;
    all.findings.push(...outcome.findings);
    all.mismatches.push(...unmet(step.expect, outcome, kernel, features, program.type));
    all.mismatches.push(...drawn);
    if (!explore || !before || outcome.findings.length) return;
    session.machine.engine.restore(before.memory);
    before.kernel();
    const explored = new Explorer(this.#world, options, explore, this.#undisturbed(step, index)).explore();
    all.findings.push(...explored.findings);
    all.explored = { points: explored.points, broken: explored.broken, ms: explored.ms };
  }

  /** What is expected wherever something happens, and so is not what `breaks` says. */
  #undisturbed(step: RunStep, index: number): Expectation {
    const written = this.#scenario.steps[index];
    return written.kind === "run" ? written.expect : step.expect;
  }

  /** `breaks` says that it goes wrong, and not what comes of it. */
  #isLeftOpen({ expect }: RunStep, index: number): boolean {
    const declared = this.#scenario.steps[index];
    return declared.kind === "run" && declared.expect !== expect && isEmpty(expect);
  }

  #program(step: RunStep): LoadedSource {
    return this.#world.programs.get(step.program)!;
  }

  #options(step: RunStep): EnterOptions {
    return enterOptions(this.#world, this.#scenario, step);
  }

  #enter({ events }: RunStep, options: EnterOptions): DisturbedRun {
    const mismatches: Mismatch[] = [];
    const outcome = guarded(this.#world, this.#scenario.file, () => {
      if (!events?.length) return this.#world.session.enter(options);
      const run = runWithEvents(this.#world, options, events);
      mismatches.push(...run.mismatches);
      return run.outcome;
    });
    return { outcome, mismatches };
  }

  /** What the run of step `index`, ended too early, comes to; the world is then the one in which it did. */
  #goOn(ended: Outcome, index: number): Outcome {
    const before = this.#world;
    const step = this.#steps[index] as RunStep;
    let exact: ExactRun | Crash = { kind: "refused", why: "it was not tried" };
    for (const way of step.events?.length ? WAYS.filter(({ by }) => by === "running") : WAYS) {
      if (this.#world !== before) this.close();
      this.#again(index);
      exact = this.#goOnBy(way, step);
      if (exact.kind === "refused") continue;
      this.#past.set(index, way);
      break;
    }
    const findings = ended.findings.map((finding) =>
      finding.check === "tail-call-limit" ? { ...finding, message: `${finding.message}; ${inAll(exact)}` } : finding,
    );
    if (exact.kind !== "exact") {
      this.close();
      this.#world = before;
      return { ...ended, findings };
    }
    before.session.machine.close();
    const { r0, tailCalls, maxStack } = exact;
    const calls = new Map([...exact.calls].map(([name, count]) => [name, Number(count)]));
    return { r0, tailCalls, maxStack, calls, instructions: Number(exact.instructions), findings };
  }

  /** A fresh world as it is before step `index`. */
  #again(index: number): void {
    this.#world = this.#fresh();
    for (const [i, step] of this.#steps.slice(0, index).entries()) {
      const way = this.#past.get(i);
      if (step.kind !== "run") this.#update(step);
      else if (way) this.#goOnBy(way, step);
      else this.#enter(step, this.#options(step));
    }
  }

  #goOnBy({ by, budget }: Way, step: RunStep): ExactRun | Crash {
    const options = { ...this.#options(step), budget, tailCallLimit: undefined };
    if (by === "running") return this.#runOn(step, options);
    const { session } = this.#world;
    session.prepare(options);
    return countExactly(session.machine, { budget });
  }

  /** Plain execution past the limit. */
  #runOn(step: RunStep, options: EnterOptions): ExactRun | Crash {
    const { r0, calls, tailCalls, instructions, maxStack, findings } = this.#enter(step, options).outcome;
    if (r0 === undefined) {
      const crash = findings.find(({ check }) => check === "fault" || check === "landing");
      if (crash) return { kind: "crash", tailCalls, why: crash.message };
      return { kind: "refused", why: `no end in sight after ${options.budget} instructions` };
    }
    const exact = new Map([...calls].map(([name, count]) => [name, BigInt(count)]));
    return { kind: "exact", r0, tailCalls, instructions: BigInt(instructions), calls: exact, maxStack };
  }
}

const isEmpty = (expect: Expectation): boolean => Object.values(expect).every((value) => [value].flat().length === 0);

/** A run that goes past the limit and ends where it cannot go on. */
interface Crash {
  kind: "crash";
  tailCalls: bigint;
  why: string;
}

function inAll(run: ExactRun | Crash): string {
  if (run.kind === "crash") return `after ${run.tailCalls} of them: ${run.why}`;
  if (run.kind === "exact") return `in all it takes ${run.tailCalls}`;
  if (run.kind === "endless") return `it never ends: ${run.why}`;
  return `how many it takes in all is not known: ${run.why}`;
}
