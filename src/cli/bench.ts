import { Argument, type Command, Option } from "commander";
import type { Part } from "../bench/index.ts";
import { UserError } from "../error.ts";
import { newCommand } from "./command.ts";
import { Progress } from "./progress.ts";

const PARTS = ["startup", "throughput", "compile", "exact", "explore", "memory"] as const satisfies readonly Part[];

export function command(): Command {
  const bench = newCommand(
    "bench",
    "Measures jitproof itself on this machine: everything, or the parts named. Compare numbers of one run only.",
  );
  bench.addArgument(new Argument("[PART...]", "what to measure").choices(PARTS));
  bench.addOption(new Option("--reporter <NAME>", "pretty, json").default("pretty"));
  return bench.action(async (parts: Part[], { reporter }: { reporter: string }) => {
    if (reporter !== "pretty" && reporter !== "json")
      throw new UserError(`bench reports as pretty or json, not as ${reporter}`);
    const [measure, { benchText }] = await Promise.all([import("../bench/index.ts"), import("../report/bench.ts")]);
    const results: Partial<Record<Part, unknown>> = {};
    for (const [i, part] of (parts.length ? parts : PARTS).entries()) {
      const text = measured(part);
      if (reporter === "pretty") process.stdout.write(`${i ? "\n" : ""}${text}`);
    }
    if (reporter === "json") process.stdout.write(`${JSON.stringify(results, replacer, 2)}\n`);

    function measured<P extends Part>(part: P): string {
      const line = new Progress(undefined);
      const numbers = measure.PARTS[part]((what) => line.show(what)) as ReturnType<(typeof measure.PARTS)[P]>;
      line.clear();
      results[part] = numbers;
      return (benchText[part] as (numbers: unknown) => string)(numbers);
    }
  });
}

const replacer = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
