import type { Command } from "commander";
import { reporter } from "../report/index.ts";
import type { Reporter } from "../report/report.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared, type SharedOptions } from "./options.ts";
import { runAndReport } from "./run.ts";

export function command(): Command {
  const matrix = newCommand("matrix", "Shows scenario x profile: what each design gets right.");
  matrix.argument("[PATH...]", "scenario files, folders, or names in the catalogue (default: the whole catalogue)");
  addShared(matrix, ["profile", "filter", "reporter", "jobs", "shard"]);
  return matrix.action(async (paths: string[], parsed) => {
    const shared = await readShared(parsed);
    const [{ selectScenarios }, { allDesigns }] = await Promise.all([
      import("./select.ts"),
      import("../runner/profiles.ts"),
    ]);
    const options = parsed.profile ? shared : { ...shared, profiles: allDesigns() };
    await runAndReport(selectScenarios(paths, options), options, await view(options));
  });
}

/** The table for people and its content as JSON; CI's formats list each cell as `run` does. */
async function view(options: SharedOptions): Promise<Reporter> {
  if (options.reporter === "pretty") return (await import("../report/matrix.ts")).matrix;
  if (options.reporter === "json") return (await import("../report/matrix-json.ts")).matrixJson;
  return reporter(options.reporter);
}
