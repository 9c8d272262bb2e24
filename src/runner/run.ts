import { ownProfiles } from "../scenario/expect.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { assembleScenario } from "./build.ts";
import { Crew, workerFile } from "./crew.ts";
import type { KernelOffsets } from "./offsets.ts";
import type { RunResult } from "./result.ts";
import { runScenario } from "./scenario.ts";

export interface RunRequest {
  scenarios: Scenario[];
  /** names, see profileNames() */
  profiles: string[];
  /** run each scenario on the profiles that it alone names, too (see ownProfiles) */
  own?: boolean;
  /** of another kernel than the profiles' own */
  offsets?: KernelOffsets;
  /** how many run at once, at least 1 */
  jobs: number;
}

/** Results for which it is worth to start another thread: until it is warm, this one has done about as many. */
const WORTH_A_THREAD = 60;

/** Every scenario on every profile, in that order: all profiles of the first scenario, then of the next. */
export async function* runAll(request: RunRequest): AsyncIterable<RunResult> {
  const helpers = Math.min(
    request.jobs,
    Math.floor((request.scenarios.length * request.profiles.length) / WORTH_A_THREAD),
  );
  const file = helpers > 1 ? workerFile() : undefined;
  if (file) yield* runTogether(request, new Crew(file, helpers - 1, request));
  else for (const scenario of request.scenarios) yield* runOn(scenario, request);
}

/** One scenario on every profile. Throws UserError for what is wrong in it. */
export function* runOn(
  scenario: Scenario,
  { profiles, own, offsets }: Pick<RunRequest, "profiles" | "own" | "offsets">,
): Iterable<RunResult> {
  const source = assembleScenario(scenario);
  for (const profile of own ? [...profiles, ...ownProfiles(scenario, profiles)] : profiles)
    yield runScenario(scenario, source, profile, { offsets });
}

/** This thread and the crew take the next scenario whenever they are done with one. */
async function* runTogether(request: RunRequest, crew: Crew): AsyncIterable<RunResult> {
  const { scenarios } = request;
  try {
    for (let index = 0; index < scenarios.length; index++) {
      for (let mine = crew.claim(index); mine !== undefined; mine = crew.claim(index)) {
        crew.attempt(mine, () => [...runOn(scenarios[mine!], request)]);
        await crew.messages();
      }
      yield* await crew.results(index);
    }
  } finally {
    crew.dismiss();
  }
}
