import { oneLine, UserError } from "../error.ts";
import type { RunResult } from "../runner/result.ts";
import { bless } from "../scenario/bless.ts";
import { matches } from "../scenario/glob.ts";
import { parseScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** A scenario's new text, how many expectations changed in it, and why others did not (one line each). */
export interface BlessPlan {
  text: string;
  changed: number;
  refused: string[];
}

/**
 * What --bless makes of one scenario's results on all profiles. Only mismatches are blessed, never findings: a broken contract is
 * declared by hand. An expectation that profiles disagree about stays. Mismatch.actual is taken as the file writes values:
 * integers, hex bytes, `[a, b]`, text; "" removes the expectation.
 */
export function planBless(scenario: Scenario, results: readonly RunResult[]): BlessPlan {
  const plan: BlessPlan = { text: scenario.text, changed: 0, refused: [] };
  for (const [path, wanted] of wantedValues(results)) {
    const where = `${wanted.line ? `${scenario.file}:${wanted.line}:${wanted.column}` : scenario.file}: ${path}`;
    const conflict = disagreement(path, wanted.byValue, results);
    if (conflict) {
      plan.refused.push(`${where}: ${conflict}; not blessed, declare it under breaks or bless with --profile`);
      continue;
    }
    const [value] = wanted.byValue.keys();
    try {
      const text = bless({ text: plan.text, file: scenario.file }, [{ path, value: parseValue(value) }]);
      parseScenario(text, scenario.file, { id: scenario.id });
      plan.text = text;
      plan.changed++;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      plan.refused.push(oneLine(`${where}: ${value} cannot be an expectation; not blessed`));
    }
  }
  return plan;
}

interface Wanted {
  line: number;
  column: number;
  /** value -> the profiles it came out on */
  byValue: Map<string, string[]>;
}

function wantedValues(results: readonly RunResult[]): Map<string, Wanted> {
  const byPath = new Map<string, Wanted>();
  for (const { verdict, profile, mismatches } of results)
    for (const { path, actual, line, column } of verdict === "fail" ? mismatches : []) {
      const wanted = byPath.get(path) ?? { line, column, byValue: new Map<string, string[]>() };
      byPath.set(path, wanted);
      wanted.byValue.set(actual, [...(wanted.byValue.get(actual) ?? []), profile]);
    }
  return byPath;
}

/** Why one value cannot suit all profiles; undefined when it can. */
function disagreement(path: string, byValue: Map<string, string[]>, results: readonly RunResult[]): string | undefined {
  if (byValue.size > 1)
    return [...byValue].map(([value, profiles]) => `${value || "nothing"} on ${profiles.join(", ")}`).join("; ");
  if (path.startsWith("breaks.")) return undefined;
  const pattern = /^expect\.(?:jited|xlated)\.(.*)\.[^.]+$/.exec(path)?.[1];
  const content = results.filter(
    ({ verdict, profile }) => verdict === "pass" && (!pattern || matches(pattern, profile)),
  );
  if (content.length === 0) return undefined;
  const [[value, profiles]] = byValue;
  return `${value || "nothing"} on ${profiles.join(", ")}, but it holds on ${content.map(({ profile }) => profile).join(", ")}`;
}

function parseValue(text: string): string | string[] | null {
  if (text === "") return null;
  const list = /^\[(.*)\]$/.exec(text);
  return list
    ? list[1]
        .split(",")
        .map((item) => item.trim())
        .filter(Boolean)
    : text;
}
