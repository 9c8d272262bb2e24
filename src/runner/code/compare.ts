import { UserError } from "../../error.ts";
import { codeFor } from "../../scenario/expect.ts";
import type { CodeExpectation, Scenario } from "../../scenario/scenario.ts";
import { locate } from "../../scenario/source-text.ts";
import type { World } from "../build.ts";
import type { Mismatch } from "../result.ts";
import { actualText } from "./actual.ts";
import { jitedLines } from "./jited.ts";
import type { TextLine } from "./lines.ts";
import { firstUnmatched, type Pattern, PatternError, parsePatterns } from "./match.ts";
import { xlatedLines } from "./xlated.ts";

/** The scenario's xlated and jited texts that a world, as it is before the first step, does not match. Throws UserError. */
export function compareCode(world: World, scenario: Scenario, profile: string): Mismatch[] {
  return codeFor(scenario, profile).flatMap((expected) => {
    const patterns = patternsOf(scenario, expected);
    const lines = linesOf(world, expected);
    const wrong = firstUnmatched(patterns, lines);
    if (!wrong) return [];
    const { path, value } = expected.text;
    const { line, column } = locate(scenario.text, value, { line: wrong.line, column: 1 });
    return [{ path, expected: value.text, actual: actualText(patterns, lines), line, column }];
  });
}

function patternsOf(scenario: Scenario, { text }: CodeExpectation): Pattern[] {
  try {
    return parsePatterns(text.value.text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const at = locate(scenario.text, text.value, { line: error.line, column: 1 });
    throw new UserError(`${text.path}: ${error.message}`, { file: scenario.file, ...at }, { cause: error });
  }
}

function linesOf({ programs, session }: World, { kind, program }: CodeExpectation): TextLine[] {
  const { machine } = session;
  const { xlated, functions } = programs.get(program)!;
  if (kind === "xlated") return xlatedLines(xlated, (name) => machine.symbol(name));
  return jitedLines(
    functions.map(({ image: { address, bytes } }) => ({ address, bytes: machine.memory.read(address, bytes.length) })),
  );
}
