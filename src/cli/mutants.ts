import type { Command } from "commander";
import { UserError } from "../error.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared } from "./options.ts";

/** Two designs, and the newest kernel. */
const DEFAULT_PROFILES = ["linux-6.1", "linux-6.12", "linux-7.2"];

export function command(): Command {
  const mutants = newCommand(
    "mutants",
    "Puts single faults into the JIT's output, one after the other, and shows which of them no scenario notices.",
  );
  mutants.argument("[PATH...]", "scenario files, folders, or names in the catalogue (default: the whole catalogue)");
  addShared(mutants, ["profile", "filter", "reporter", "jobs"]);
  return mutants.action(async (paths: string[], parsed) => {
    const options = await readShared(parsed);
    if (options.reporter !== "pretty" && options.reporter !== "json")
      throw new UserError(`mutants reports as pretty or json, not as ${options.reporter}`);
    const [{ selectScenarios }, { hunt }, report, { Output }, { Progress }] = await Promise.all([
      import("./select.ts"),
      import("../mutants/run.ts"),
      import("../report/mutants.ts"),
      import("./output.ts"),
      import("./progress.ts"),
    ]);
    const scenarios = selectScenarios(paths, {});
    const output = new Output(options.output, options.color);
    const progress = new Progress(undefined);
    const settings = output.reportOptions(progress);
    const { filter, jobs } = options;
    const profiles = options.own ? DEFAULT_PROFILES : options.profiles;
    const results = await hunt({ scenarios, profiles, jobs, ...(filter ? { filter } : {}) }, (done, of) =>
      progress.show(`${done}/${of} mutants`),
    );
    if (filter && results.length === 0) throw new UserError(`no mutant's name matches --filter ${filter.source}`);
    const json = options.reporter === "json";
    settings.write(json ? report.mutantsJson(results, settings.elapsed()) : report.mutantsText(results, settings));
    output.close();
    if (results.some(({ verdict }) => verdict === "survived")) process.exitCode = 1;
  });
}
