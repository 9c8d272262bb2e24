import type { Command } from "commander";
import { reporter } from "../report/index.ts";
import type { Reporter } from "../report/report.ts";
import type { RunResult } from "../runner/result.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { newCommand } from "./command.ts";
import { addObject, type ObjectOptions } from "./object-options.ts";
import { addShared, readShared, type SharedOptions } from "./options.ts";

export function command(): Command {
  const run = newCommand("run", "Runs scenarios on every profile and checks every contract.");
  run.argument(
    "[PATH...]",
    "scenario files, folders, or names in the catalogue (default: the whole catalogue), or ELF objects",
  );
  addShared(addObject(run), ["profile", "offsets", "filter", "reporter", "jobs", "shard", "bless"]);
  return run.action(async (paths: string[], parsed: ObjectOptions & Record<string, unknown>) => {
    const options = await readShared(parsed);
    const { selectScenarios } = await import("./select.ts");
    const scenarios = selectScenarios(paths, options, parsed);
    await runAndReport(scenarios, options, await reporter(options.reporter));
  });
}

/** Runs, reports, and sets the exit status: 0 all holds, 1 something failed. */
export async function runAndReport(scenarios: Scenario[], options: SharedOptions, report: Reporter): Promise<void> {
  const { profiles, own, jobs, offsets } = options;
  const [{ Output }, { Progress }, { runAll }, { ownProfiles }] = await Promise.all([
    import("./output.ts"),
    import("./progress.ts"),
    import("../runner/run.ts"),
    import("../scenario/expect.ts"),
  ]);
  const output = new Output(options.output, options.color);
  const progress = new Progress(count(scenarios, options, ownProfiles));
  const settings = output.reportOptions(progress);
  let results: AsyncIterable<RunResult> = progress.watch(
    runAll({ scenarios, profiles, own, jobs, ...(offsets ? { offsets } : {}) }),
  );
  if (options.bless) results = (await import("./bless.ts")).blessed(results, scenarios, options);
  const { failed } = await report(noteFailures(results), settings);
  output.close();
  process.exitCode = failed ? 1 : 0;
}

/** How many results there will be. */
const count = (
  scenarios: Scenario[],
  { profiles, own }: SharedOptions,
  ownProfiles: (scenario: Scenario, profiles: string[]) => string[],
): number =>
  scenarios.reduce((sum, scenario) => sum + profiles.length + (own ? ownProfiles(scenario, profiles).length : 0), 0);

/** A failure is the exit status at once, whoever ends the program early. */
async function* noteFailures(results: AsyncIterable<RunResult>): AsyncIterable<RunResult> {
  for await (const result of results) {
    if (result.verdict === "fail") process.exitCode = 1;
    yield result;
  }
}
