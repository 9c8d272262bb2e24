import { profileNamed } from "../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld, type Source, type World } from "../../runner/build.ts";
import type { RunResult } from "../../runner/result.ts";
import { CallTree } from "../../runner/trace/calls.ts";
import { type RunWatcher, watchScenario } from "../../runner/trace/run.ts";
import { StackArtist, TailCallFinder } from "../../runner/trace/stacks.ts";
import { stepsFor } from "../../scenario/expect.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { PLAIN } from "../plain.ts";
import { fromFinding, problems } from "../problem.ts";
import { CallsText } from "../trace/calls.ts";
import { functionsOf } from "./code.ts";
import type { FunctionCode, Picture, Run, ScenarioData, ShownProblem, View } from "./page/data.ts";
import { StateRecorder } from "./states.ts";

/** Pictures of the stack that are kept of a run. */
const MOST_PICTURES = 40;

/** All that the page shows of a scenario: its runs again, on each profile, looked at closely. `results`: what they came to. */
export function recordScenario(scenario: Scenario, results: readonly RunResult[]): ScenarioData {
  const { id, title, about, source, file, text } = scenario;
  const assembled = assembleScenario(scenario);
  const views = results.map((result) => viewOf(scenario, assembled, result));
  return { id, title, ...(about ? { about } : {}), ...(source ? { source } : {}), file, text, views };
}

function viewOf(scenario: Scenario, source: Source, result: RunResult): View {
  const { profile, verdict, reason, story } = result;
  const view: View = {
    profile,
    verdict,
    ...(reason ? { reason } : {}),
    facts: verdict === "skip" ? [] : factsOf(result),
    ...(story ? { story: story.about } : {}),
    problems: verdict === "pass" || verdict === "skip" ? [] : shownProblems(result),
    functions: [],
    runs: [],
  };
  return verdict === "skip" ? view : { ...view, ...recordRuns(scenario, source, profile, result) };
}

function factsOf({ r0, tailCalls, instructions, maxStack, explored }: RunResult): string[] {
  return [
    `${tailCalls} tail call${tailCalls === 1n ? "" : "s"} taken`,
    r0 === undefined ? "did not return" : `returned ${r0}`,
    `${instructions} instructions`,
    `${maxStack} bytes of stack`,
    ...(explored ? [`something broke at ${explored.broken} of ${explored.points} points that were tried`] : []),
  ];
}

function shownProblems(result: RunResult): ShownProblem[] {
  const { findings, mismatches, file } = result;
  const broken = findings.map((finding): ShownProblem => {
    const { name, message, details } = fromFinding(finding, file);
    const at = { function: finding.function, offset: finding.offset };
    return { name, message, details, ...(finding.line ? { line: finding.line } : {}), at };
  });
  const others = mismatches.length || !findings.length ? problems({ ...result, findings: [] }) : [];
  const wrong = result.verdict === "fail" ? others : [];
  return [...broken, ...wrong.map(({ name, message, details, line }) => ({ name, message, details, line }))];
}

function recordRuns(scenario: Scenario, source: Source, profile: string, { findings }: RunResult) {
  const steps = stepsFor(scenario, profile);
  const watch = <T extends RunWatcher>(make: (world: World) => T): { watcher: T; world: World } => {
    const world = buildWorld(scenario, source, profileNamed(profile)!);
    try {
      const watcher = make(world);
      watchScenario(world, scenario, steps, watcher);
      return { watcher, world };
    } finally {
      world.session.machine.close();
    }
  };
  const { watcher: overview } = watch((world) => new Overview(world));
  const drawn = overview.moments.length ? watch((world) => new Gallery(world, overview.moments)).watcher.runs : [];
  const { watcher: recorder, world } = watch((world) => new StateRecorder(world));
  const stacks = world.session.machine.tasks.map(({ stackLow, stackHigh }): [string, string] => [
    stackLow.toString(16),
    stackHigh.toString(16),
  ]);
  const runs = overview.runs.map((run, i): Run => {
    const { findings: noted, ...states } = recorder.runs[i];
    const indexes = findings.map(
      ({ check, pc }) => noted.find(({ finding }) => finding.check === check && finding.pc === pc)?.index ?? -1,
    );
    const { pictures, more } = drawn[i] ?? { pictures: [], more: 0 };
    return { ...run, ...states, pictures, morePictures: more, stacks, findings: indexes };
  });
  return { functions: overview.functions, runs };
}

/** The machine code, and each run's tree of calls. */
class Overview implements RunWatcher {
  readonly runs: Pick<Run, "number" | "program" | "calls">[] = [];
  functions: FunctionCode[] = [];
  readonly #world: World;
  readonly #finder: TailCallFinder;
  #tree = new CallTree();
  #program = "";

  constructor(world: World) {
    this.#world = world;
    this.#finder = new TailCallFinder(world.session.machine);
  }

  get moments() {
    return this.#finder.moments;
  }

  begins({ program }: { program: string }): void {
    if (!this.functions.length) this.functions = functionsOf(this.#world);
    this.#tree = new CallTree();
    this.#program = program;
  }

  resume(budget: number) {
    return this.#finder.resume(budget);
  }

  readonly observe: NonNullable<RunWatcher["observe"]> = (event) => {
    this.#tree.observe(event);
    this.#finder.observe(event);
  };

  ends(): void {
    const calls = new CallsText(PLAIN).run(this.#tree.end(), this.#tree.counts);
    this.runs.push({ number: this.runs.length + 1, program: this.#program, calls });
  }
}

/** Pictures of the stack at each tail call. */
class Gallery implements RunWatcher {
  readonly runs: { pictures: Picture[]; more: number }[] = [];
  readonly #artist: StackArtist;

  constructor({ session: { machine } }: World, moments: TailCallFinder["moments"]) {
    this.#artist = new StackArtist(machine, moments, (_, { callee, icount }, text) => {
      const run = this.runs[this.runs.length - 1];
      const number = run.pictures.length + run.more + 1;
      if (run.pictures.length < MOST_PICTURES) run.pictures.push({ number, callee, icount, text });
      else run.more++;
    });
  }

  begins(): void {
    this.runs.push({ pictures: [], more: 0 });
  }

  resume(budget: number) {
    return this.#artist.resume(budget);
  }
}
