import { UserError } from "../error.ts";
import { lineStarts, type Position, positionAt } from "./lines.ts";
import type { ProgramSpec, Scenario } from "./scenario.ts";
import { isWholeFile, locate } from "./source-text.ts";

/** An error in a program's text (AsmError: line and column count within that text) as an error in the scenario's file. */
export function programError(
  scenario: Scenario,
  program: ProgramSpec,
  error: Position & { message: string },
): UserError {
  const at = locate(scenario.text, program.code, error);
  return new UserError(error.message.replace(/^\d+:\d+: /, ""), { file: scenario.file, ...at }, { cause: error });
}

/** The line of the scenario's file where a line of the program's text stands. */
export function programLines(scenario: Scenario, { code }: ProgramSpec): (line: number) => number {
  if (isWholeFile(scenario.text, code)) return (line) => line;
  if (scenario.text[code.start] !== "|") return (line) => locate(scenario.text, code, { line, column: 1 }).line;
  const header = positionAt(lineStarts(scenario.text), code.start).line;
  return (line) => header + line; // a literal block keeps its lines
}
