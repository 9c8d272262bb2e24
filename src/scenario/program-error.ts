import { UserError } from "../error.ts";
import type { Position } from "./lines.ts";
import type { ProgramSpec, Scenario } from "./scenario.ts";
import { locate } from "./source-text.ts";

/** An error in a program's text (AsmError: line and column count within that text) as an error in the scenario's file. */
export function programError(
  scenario: Scenario,
  program: ProgramSpec,
  error: Position & { message: string },
): UserError {
  const at = locate(scenario.text, program.code, error);
  return new UserError(error.message.replace(/^\d+:\d+: /, ""), { file: scenario.file, ...at }, { cause: error });
}

/** The line of the scenario's file where line `line` of the program's text stands. */
export function programLine(scenario: Scenario, program: ProgramSpec, line: number): number {
  return locate(scenario.text, program.code, { line, column: 1 }).line;
}
