import { UserError } from "../error.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { RunResult } from "./result.ts";

export interface RunRequest {
  scenarios: Scenario[];
  /** names, see profileNames() */
  profiles: string[];
  /** how many run at once, at least 1 */
  jobs: number;
}

/** Every scenario on every profile, in that order: all profiles of the first scenario, then of the next. */
export function runAll(_request: RunRequest): AsyncIterable<RunResult> {
  throw new UserError("not built yet");
}
