import { UnmodelledCall } from "../../emulator/host.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import type { Finding } from "../checks/finding.ts";
import { UserError } from "../error.ts";
import { appliesTo, breakOf, stepsFor } from "../scenario/expect.ts";
import type { Break, MapEntry, Scenario, Step } from "../scenario/scenario.ts";
import { buildWorld, type Source, type World } from "./build.ts";
import { buildContext } from "./context.ts";
import { unmet } from "./expectations.ts";
import { locate } from "./locate.ts";
import { comparePictures } from "./pictures.ts";
import type { Mismatch, RunResult } from "./result.ts";
import type { EnterOptions, Outcome } from "./session.ts";
import { deleteElement, updateMap } from "./update.ts";

/** Instructions that a run may take unless the scenario says otherwise. */
const BUDGET = 10_000_000;
/** MAX_TAIL_CALL_CNT: the first tail call past it ends a run. */
const LIMIT = 33;

/** Run one scenario on one profile. Throws UserError for a program that cannot be loaded. */
export function runScenario(scenario: Scenario, source: Source, profileName: string): RunResult {
  const start = performance.now();
  const profile = profileNamed(profileName);
  if (!profile) throw new UserError(`unknown profile "${profileName}"`);
  const base = { scenario: scenario.id, title: scenario.title, file: scenario.file, profile: profileName };
  if (!appliesTo(scenario, profileName)) {
    const reason = `is about ${scenario.profiles.join(", ")}`;
    return { ...base, ...nothing(), verdict: "skip", reason, ms: performance.now() - start };
  }
  const world = buildWorld(scenario, source, profile);
  try {
    const run = runSteps(world, scenario, stepsFor(scenario, profileName));
    const declared = breakOf(scenario, profileName);
    return { ...base, ...judge(run, declared), ms: performance.now() - start };
  } finally {
    world.session.machine.close();
  }
}

const nothing = () => ({
  tailCalls: 0n,
  instructions: 0,
  maxStack: 0,
  findings: [] as Finding[],
  mismatches: [] as Mismatch[],
});

interface StepsOutcome {
  outcome: Outcome | undefined;
  findings: Finding[];
  mismatches: Mismatch[];
}

function runSteps(world: World, scenario: Scenario, steps: Step[]): StepsOutcome {
  const { kernel } = world;
  const update = (map: string, entry: MapEntry): void => updateMap(kernel, map, entry, scenario.file);
  for (const { name, values } of scenario.maps) for (const entry of values) update(name, entry);
  const all: StepsOutcome = { outcome: undefined, findings: [], mismatches: [] };
  for (const step of steps) {
    if (step.kind === "update") for (const entry of step.entries) update(entry.map, entry);
    else if (step.kind === "delete") for (const { map, key } of step.entries) deleteElement(kernel, map, key);
    else runStep(world, step, scenario, all);
  }
  return all;
}

function runStep(world: World, step: Extract<Step, { kind: "run" }>, scenario: Scenario, all: StepsOutcome): void {
  const { session, kernel, features } = world;
  const { entry, type } = world.programs.get(step.program)!;
  const context = buildContext(kernel, type, step.context);
  const options = { entry, context, budget: scenario.budget ?? BUDGET, tailCallLimit: LIMIT };
  const pictures = step.expect.stack.length ? session.machine.engine.snapshot() : undefined;
  const outcome = enter(world, options, scenario);
  all.outcome = outcome;
  all.findings.push(...outcome.findings);
  all.mismatches.push(...unmet(step.expect, outcome, kernel, features, type));
  if (pictures) all.mismatches.push(...comparePictures(world, options, step.expect.stack, pictures));
}

/** Run the program. Throws UserError, at the line of the call, where it calls what the machine has no model of. */
function enter({ session, book }: World, options: EnterOptions, { file }: Scenario): Outcome {
  try {
    return session.enter(options);
  } catch (error) {
    if (!(error instanceof UnmodelledCall)) throw error;
    const site = session.machine.callSite(error.returnAddress);
    const line = site === undefined ? undefined : locate(session.machine, book, site).line;
    throw new UserError(error.message, { file, line }, { cause: error });
  }
}

/** pass, breaks or fail: what broke must be what the scenario says breaks, no more and no less. */
function judge({ outcome, findings, mismatches }: StepsOutcome, declared: Break | undefined) {
  const found = new Set(findings.map(({ check }) => check));
  const missing = (declared?.checks ?? []).filter(({ value }) => !found.has(value));
  const wrong = [
    ...mismatches,
    ...missing.map(
      ({ value, path, line, column }): Mismatch => ({
        path,
        expected: `${value} is broken`,
        actual: "it holds",
        line,
        column,
      }),
    ),
  ];
  const undeclared = findings.filter(({ check }) => !declared?.checks.some(({ value }) => value === check));
  const failed = wrong.length > 0 || undeclared.length > 0;
  return {
    verdict: failed ? ("fail" as const) : declared ? ("breaks" as const) : ("pass" as const),
    ...(outcome?.r0 === undefined ? {} : { r0: outcome.r0 }),
    tailCalls: BigInt(outcome?.tailCalls ?? 0),
    instructions: outcome?.instructions ?? 0,
    maxStack: outcome?.maxStack ?? 0,
    findings,
    mismatches: wrong,
  };
}
