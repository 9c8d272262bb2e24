import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { UserError } from "../error.ts";
import { reporter } from "../report/index.ts";
import { fromJson, isJsonResult } from "../report/json.ts";
import type { RunResult } from "../runner/result.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared } from "./options.ts";
import { Output } from "./output.ts";

export function command(): Command {
  const merge = newCommand("merge", "Makes one report of what `run --reporter json` wrote for each shard.");
  merge.argument("<FILE...>", "JSON reports");
  addShared(merge, ["reporter"]);
  return merge.action(async (files: string[], parsed) => {
    const options = await readShared(parsed);
    const shards = files.map(readReport);
    const results = shards.flatMap((shard) => shard.results).sort(byName);
    refuseTwice(results);
    const output = new Output(options.output, options.color);
    const ms = Math.max(...shards.map((shard) => shard.ms));
    const report = await reporter(options.reporter);
    const { failed } = await report(stream(results), { ...output.reportOptions(), elapsed: () => ms });
    output.close();
    process.exitCode = failed ? 1 : 0;
  });
}

/** Scenarios by name, as folders list them; profiles keep the order they ran in. */
function byName(a: RunResult, b: RunResult): number {
  return a.scenario < b.scenario ? -1 : a.scenario > b.scenario ? 1 : 0;
}

/** Two reports of the same shard would hide that another is missing. */
function refuseTwice(results: readonly RunResult[]): void {
  const seen = new Set<string>();
  for (const { scenario, profile } of results) {
    const name = `${scenario} on ${profile}`;
    if (seen.has(name)) throw new UserError(`${name} is in two of the reports; expected one report per shard`);
    seen.add(name);
  }
}

async function* stream(results: readonly RunResult[]): AsyncIterable<RunResult> {
  yield* results;
}

/** One shard's results and its wall-clock milliseconds. Throws UserError for anything else. */
function readReport(file: string): { results: RunResult[]; ms: number } {
  let report: { summary?: { ms?: unknown }; results?: unknown };
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "no such file" : error instanceof SyntaxError ? "is no JSON" : "cannot be read";
    throw new UserError(`${why}; expected what run --reporter json writes`, { file }, { cause: error });
  }
  const { results, summary } = report ?? {};
  if (!Array.isArray(results) || !results.every(isJsonResult))
    throw new UserError("is no report; expected what run --reporter json writes", { file });
  return { results: results.map(fromJson), ms: typeof summary?.ms === "number" ? summary.ms : 0 };
}
