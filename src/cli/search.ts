import { type Command, Option } from "commander";
import { UserError } from "../error.ts";
import type { Found } from "../search/search.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared } from "./options.ts";

interface SearchOptions {
  functions: number;
  calls: number;
  slots: number;
  scenarios?: string;
}

export function command(): Command {
  const search = newCommand(
    "search",
    "Tries every graph of bpf2bpf calls and tail calls of a size on each design, and shows the smallest that breaks it.",
  );
  search.addOption(size("functions", "functions in all programs together, at most", 2, 4));
  search.addOption(size("calls", "calls and tail calls in one function, at most", 2, 3));
  search.addOption(size("slots", "slots of the prog array, at most", 1, 3));
  search.addOption(new Option("--scenarios <DIR>", "write what was found there, as scenario files"));
  addShared(search, ["profile", "reporter", "jobs"]);
  return search.action(async (parsed: SearchOptions & Record<string, unknown>) => {
    const shared = await readShared(parsed);
    const [{ enumerate }, { searchOn }, report, { Output }] = await Promise.all([
      import("../search/enumerate.ts"),
      import("../search/crew.ts"),
      import("../report/search.ts"),
      import("./output.ts"),
    ]);
    if (shared.reporter !== "pretty" && shared.reporter !== "json")
      throw new UserError(`search reports as pretty or json, not as ${shared.reporter}`);
    const output = new Output(shared.output, shared.color);
    const options = output.reportOptions();
    const graphs = enumerate(parsed);
    const pretty = shared.reporter === "pretty";
    if (pretty) output.write(`${graphs.length} graphs, each with direct and with indirect tail calls\n`);
    const results: Found[] = [];
    for await (const found of searchOn(shared.profiles, graphs, parsed.slots, shared.jobs)) {
      results.push(found);
      if (pretty) output.write(report.searchLine(found, options));
    }
    if (!pretty) output.write(report.searchJson(graphs.length, results, options.elapsed()));
    else output.write(`${summary(graphs.length, results)} in ${(options.elapsed() / 1000).toFixed(1)} s\n`);
    output.close();
    if (parsed.scenarios) (await import("../search/files.ts")).writeScenarios(parsed.scenarios, results);
  });
}

function size(name: string, doc: string, byDefault: number, most: number): Option {
  return new Option(`--${name} <N>`, `${doc} (1 to ${most})`).default(byDefault).argParser((text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most)
      throw new UserError(`--${name} ${text}: expected a number from 1 to ${most}`);
    return value;
  });
}

const breaks = ({ broken, traced }: Found): boolean => broken + traced > 0;

const summary = (graphs: number, results: readonly Found[]): string =>
  `${graphs} graphs on ${results.length} profiles: ${results.filter(breaks).length} break, ${results.length - results.filter(breaks).length} hold`;
