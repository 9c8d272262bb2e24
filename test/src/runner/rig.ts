import { UserError } from "../../../src/error.ts";
import { assembleScenario } from "../../../src/runner/build.ts";
import type { RunResult } from "../../../src/runner/result.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

/** A scenario's file, run on one profile. */
export function run(text: string, profile = "linux-6.12"): RunResult {
  const scenario = parseScenario(text, "x.yaml");
  return runScenario(scenario, assembleScenario(scenario), profile);
}

/** What does not come true: path, the word of the file where it says so, what was expected, and what is. */
export const mismatches = (text: string, profile?: string): string[] =>
  run(text, profile).mismatches.map(({ path, expected, actual, line, column }) => {
    const [word] = /^(?:"[^"]*"|\[[^\]]*\]|[^ ,}\]]+)/.exec(text.split("\n")[line - 1].slice(column - 1))!;
    return `${path} at ${word}: ${expected} is ${actual}`;
  });

/** The one line that says why a scenario cannot be run, with its place. */
export function errorOf(text: string, profile?: string): string {
  try {
    run(text, profile);
  } catch (error) {
    if (error instanceof UserError) return `${error.location()}: ${error.message}`;
    throw error;
  }
  throw new Error("it runs");
}
