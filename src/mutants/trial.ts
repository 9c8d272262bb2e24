import { assembleScenario, type Source } from "../runner/build.ts";
import { BUDGET } from "../runner/enter-options.ts";
import type { Rework } from "../runner/load-program.ts";
import { runScenario } from "../runner/scenario.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Change } from "./apply.ts";
import type { SiteAt } from "./sites.ts";

/** How a scenario ends; error: something in the machine gave up. */
export type Ending = "pass" | "breaks" | "fail" | "skip" | "error";

/** A scenario on a profile, and what it does there with the JIT as it is. */
export interface Trial {
  scenario: Scenario;
  source: Source;
  ending: Ending;
  /** what it takes, roughly, in instructions */
  cost: number;
  /** machine instructions of each function, by image name */
  sites: Map<string, SiteAt[]>;
}

/** A mutant loops where the program does not: instructions are enough for many times what it takes. */
const PATIENCE = 20;
const LEAST_BUDGET = 100_000;
/** An event at every instruction costs about as much as so many instructions. */
const PER_POINT = 2000;

/** Run a scenario without faults; `rework` only looks. Undefined: it is not for this profile. */
export function firstTrial(
  scenario: Scenario,
  profile: string,
  rework: Rework,
  sites: Trial["sites"],
): Trial | undefined {
  const source = assembleScenario(scenario);
  const result = runScenario(scenario, source, profile, { rework });
  if (result.verdict === "skip") return undefined;
  const past = result.findings.some(({ check }) => check === "tail-call-limit");
  const most = scenario.budget ?? BUDGET;
  const budget = past ? most : Math.min(most, Math.max(LEAST_BUDGET, PATIENCE * result.instructions));
  const cost = result.ms > 100 ? PER_POINT * result.ms : Math.min(result.instructions, LEAST_BUDGET);
  return { scenario: { ...scenario, budget }, source, ending: result.verdict, cost: Math.round(cost), sites };
}

/** How the scenario ends with the machine code changed. */
export function tryWith({ scenario, source }: Trial, profile: string, rework: Rework): Ending {
  try {
    return runScenario(scenario, source, profile, { rework, hasty: true }).verdict;
  } catch {
    return "error";
  }
}

export type Changes = Map<string, Change[]>;
