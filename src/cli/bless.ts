import { writeFileSync } from "node:fs";
import { UserError } from "../error.ts";
import type { RunResult } from "../runner/result.ts";
import { runAll } from "../runner/run.ts";
import { readText } from "../scenario/document.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { SharedOptions } from "./options.ts";
import { planBless } from "./plan-bless.ts";

/** Blesses what can be, runs what changed again, and gives the results that hold now, in the same order. */
export async function* blessed(
  results: AsyncIterable<RunResult>,
  scenarios: readonly Scenario[],
  { profiles, jobs }: Pick<SharedOptions, "profiles" | "jobs">,
): AsyncIterable<RunResult> {
  const before: RunResult[] = [];
  for await (const result of results) before.push(result);
  const of = (id: string) => before.filter(({ scenario }) => scenario === id);

  const changed: Scenario[] = [];
  let expectations = 0;
  for (const scenario of scenarios) {
    const plan = planBless(scenario, of(scenario.id));
    for (const line of plan.refused) process.stderr.write(`${line}\n`);
    if (plan.changed === 0) continue;
    write(scenario, plan.text);
    expectations += plan.changed;
    changed.push(loadScenario(scenario.file, { id: scenario.id }));
  }
  const after: RunResult[] = [];
  if (changed.length) {
    process.stderr.write(`blessed ${count(expectations, "expectation")} in ${count(changed.length, "file")}\n`);
    for await (const result of runAll({ scenarios: changed, profiles, jobs })) after.push(result);
  }
  const key = ({ scenario, profile }: RunResult) => `${scenario}\n${profile}`;
  const now = new Map(after.map((result) => [key(result), result]));
  for (const result of before) yield now.get(key(result)) ?? result;
}

function write({ file, text }: Scenario, blessedText: string): void {
  if (readText(file) !== text) throw new UserError("changed while it ran; not blessed", { file });
  try {
    writeFileSync(file, blessedText);
  } catch (error) {
    throw new UserError(`cannot be blessed: ${(error as Error).message}`, { file }, { cause: error });
  }
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
