import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { newCommand } from "./command.ts";
import { addObject, type ObjectOptions } from "./object-options.ts";
import { addShared, readShared } from "./options.ts";
import { runAndReport } from "./run.ts";

export function command(): Command {
  const report = newCommand("report", "Runs scenarios and writes all about them into one page that needs no network.");
  report.argument(
    "[PATH...]",
    "scenario files, folders, or names in the catalogue (default: the whole catalogue), or ELF objects",
  );
  report.addOption(new Option("--html <FILE>", "the page to write").makeOptionMandatory());
  addShared(addObject(report), ["profile", "filter", "jobs"]);
  return report.action(async (paths: string[], parsed: ObjectOptions & { html: string }) => {
    const options = { ...(await readShared(parsed as unknown as Record<string, unknown>)), output: parsed.html };
    const [{ selectScenarios }, { html }, { pageAssets }] = await Promise.all([
      import("./select.ts"),
      import("../report/html/index.ts"),
      import("../report/html/assets.ts"),
    ]);
    const scenarios = selectScenarios(paths, options, parsed);
    await runAndReport(scenarios, options, html(scenarios, pageAssets()));
    const count = `${scenarios.length} scenario${scenarios.length === 1 ? "" : "s"}`;
    process.stdout.write(`${parsed.html}: ${count}, ${sizeText(statSync(parsed.html).size)}\n`);
  });
}

const sizeText = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
