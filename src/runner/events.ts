import type { PokeStep } from "../../emulator/poke.ts";
import type { Finding } from "../checks/finding.ts";
import { parsePoint } from "../scenario/point.ts";
import type { RunEvent } from "../scenario/scenario.ts";
import type { World } from "./build.ts";
import { mismatch } from "./expectations.ts";
import { Intruder, pokeSteps } from "./intruder.ts";
import { findMoment } from "./moment.ts";
import type { Mismatch } from "./result.ts";
import { type EnterOptions, type Outcome, ProgramRun } from "./session.ts";

/** A run in the middle of which something happens, and what of it never did. */
export interface DisturbedRun {
  outcome: Outcome;
  mismatches: Mismatch[];
}

/**
 * Run a program and let the events happen at their moments, which are those of the run without them. What an intruding program
 * breaks counts as the run's finding.
 */
export function runWithEvents(world: World, options: EnterOptions, events: readonly RunEvent[]): DisturbedRun {
  const { session } = world;
  const { due, mismatches } = schedule(world, options, events);
  const limit = options.tailCallLimit ?? Number.POSITIVE_INFINITY;
  const intruders = due.map(({ event }) => (event.kind === "poke" ? undefined : new Intruder(world, event, limit)));
  session.prepare(options);
  const run = new ProgramRun(session, options.budget);
  const findings: Finding[] = [];
  const unfinished: Generator<PokeStep>[] = [];
  for (const [i, { event, icount }] of due.entries()) {
    if (run.go(icount) !== "paused") break;
    if (event.kind === "poke") unfinished.push(startPoke(world, event));
    else findings.push(...intruders[i]!.run(options.budget).findings);
  }
  run.go();
  const outcome = run.end();
  for (const steps of unfinished) for (const _ of steps);
  return { outcome: { ...outcome, findings: [...findings, ...outcome.findings] }, mismatches };
}

/** The poke's steps that are done in the middle of the run: as many as asked for, and none that must wait for its end. */
function startPoke(world: World, event: Extract<RunEvent, { kind: "poke" }>): Generator<PokeStep> {
  const steps = pokeSteps(world, event);
  const most = event.steps ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i < most; i++) {
    const { done, value } = steps.next();
    if (done || value.grace) break;
  }
  return steps;
}

/** The events in the order in which they happen, by the number of instructions executed before. */
function schedule(world: World, options: EnterOptions, events: readonly RunEvent[]) {
  const { session, kernel } = world;
  const { engine } = session.machine;
  const base = engine.snapshot();
  const restoreKernel = kernel.save();
  const due: { event: RunEvent; icount: number }[] = [];
  const mismatches: Mismatch[] = [];
  for (const event of events) {
    session.prepare(options);
    const point = parsePoint(event.at.value);
    const icount = point && findMoment(session, point, options.budget);
    if (icount === undefined)
      mismatches.push(mismatch(event.at, `a run that gets to ${event.at.value}`, "it never does"));
    else due.push({ event, icount });
    engine.restore(base);
    restoreKernel();
  }
  engine.drop(base);
  return { due: due.sort((a, b) => a.icount - b.icount), mismatches };
}
