import type { Scenario } from "../scenario/scenario.ts";
import { assembleScenario } from "./build.ts";
import type { RunResult } from "./result.ts";
import { runScenario } from "./scenario.ts";

export interface RunRequest {
  scenarios: Scenario[];
  /** names, see profileNames() */
  profiles: string[];
  /** how many run at once, at least 1 */
  jobs: number;
}

/** Every scenario on every profile, in that order: all profiles of the first scenario, then of the next. */
export async function* runAll({ scenarios, profiles }: RunRequest): AsyncIterable<RunResult> {
  for (const scenario of scenarios) {
    const source = assembleScenario(scenario);
    for (const profile of profiles) yield runScenario(scenario, source, profile);
  }
}
