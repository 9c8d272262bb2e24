import type { RunResult } from "../runner/result.ts";
import { type Problem, problems } from "./problem.ts";
import { type Reporter, Tally } from "./report.ts";

/** TAP 14: a test point per scenario and profile, as they come; the plan at the end. */
export const tap: Reporter = async (results, options) => {
  const tally = new Tally(options);
  let n = 0;
  options.write("TAP version 14\n");
  for await (const result of results) {
    tally.add(result);
    options.write(`${point(result, ++n)}\n`);
  }
  options.write(`1..${n}\n`);
  return tally.summary();
};

function point(result: RunResult, n: number): string {
  const { verdict, scenario, profile, reason } = result;
  const name = `${n} - ${plain(scenario)} on ${plain(profile)}`;
  if (verdict === "skip") return `ok ${name} # SKIP ${plain(reason ?? "does not apply")}`;
  if (verdict === "pass") return `ok ${name}`;
  if (verdict === "breaks") return `ok ${name} (breaks as declared)`;
  const lines = problems(result).flatMap(yaml);
  return [`not ok ${name}`, "  ---", "  problems:", ...lines.map((line) => `    ${line}`), "  ..."].join("\n");
}

function yaml({ name, message, details, file, line, column }: Problem): string[] {
  const fields: [string, string | number | undefined][] = [
    ["message", message],
    ...details,
    ["file", file],
    ["line", line],
    ["column", column],
  ];
  const given = fields.filter(([, value]) => value !== undefined);
  return [`- name: ${JSON.stringify(name)}`, ...given.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`)];
}

const plain = (text: string) => text.replace(/\s+/g, " ").replace(/[\\#]/g, "\\$&");
