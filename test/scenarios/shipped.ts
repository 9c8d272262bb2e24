import { isProfile, profileNames } from "../../src/runner/profiles.ts";
import type { RunResult } from "../../src/runner/result.ts";
import { runAll } from "../../src/runner/run.ts";
import { findScenarios } from "../../src/scenario/find.ts";
import { loadScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";

/** The catalogue that ships with the package. */
export const catalogue: Scenario[] = findScenarios([]).map(({ id, file }) =>
  loadScenario(file, { id, profiles: { names: profileNames(), has: isProfile } }),
);

/** `own`: also on the profiles that a scenario alone names, as `jitproof run` does. */
export async function verdicts(scenarios: Scenario[], profiles: string[], own = false): Promise<RunResult[]> {
  const results: RunResult[] = [];
  for await (const result of runAll({ scenarios, profiles, own, jobs: 1 })) results.push(result);
  return results;
}
