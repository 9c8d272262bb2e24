import type { RunResult } from "../runner/result.ts";
import { problemLines, problems } from "./problem.ts";
import { type Reporter, type ReportOptions, summaryLine, Tally } from "./report.ts";
import { storyLines } from "./story.ts";

const MOST_PROBLEMS = 10;

/** For people: one line per scenario, more only for what fails, a summary at the end. */
export const pretty: Reporter = async (results, options) => {
  const tally = new Tally(options);
  let scenario: RunResult[] = [];
  const flush = () => {
    if (scenario.length) options.write(`${describe(scenario, options)}\n`);
    scenario = [];
  };
  for await (const result of results) {
    if (scenario.length && scenario[0].scenario !== result.scenario) flush();
    tally.add(result);
    scenario.push(result);
  }
  flush();
  const summary = tally.summary();
  const paint = summary.failed ? options.colors.red : options.colors.green;
  options.write(`${paint(summaryLine(summary, tally.broken))}\n`);
  return summary;
};

function describe(results: RunResult[], options: ReportOptions): string {
  const { colors } = options;
  const { scenario, title } = results[0];
  const failed = results.filter((result) => result.verdict === "fail");
  if (failed.length) {
    const head = `${colors.red("✗")} ${colors.bold(scenario)}  ${title}`;
    return [head, ...grouped(failed, colors.bold).map((line) => (line ? `    ${line}` : ""))].join("\n");
  }
  const ran = results.filter((result) => result.verdict !== "skip");
  if (ran.length === 0) return colors.dim(`– ${scenario}  skipped: ${results[0].reason ?? "does not apply"}`);
  const stories = ran.flatMap((result) => storyLines(result, options));
  return [`${colors.green("✓")} ${scenario}  ${colors.dim(outcome(ran))}`, ...stories].join("\n");
}

/** "33 tail calls, 1234 instructions" for one profile, "14 pass, 2 break as declared (linux-6.1, linux-6.6)" for many. */
function outcome(ran: RunResult[]): string {
  const broken = ran.filter((result) => result.verdict === "breaks").map((result) => result.profile);
  const declared = broken.length ? `${broken.length === 1 ? "breaks" : "break"} as declared` : "";
  if (ran.length === 1) {
    const { profile, tailCalls, instructions } = ran[0];
    const calls = `${tailCalls} tail call${tailCalls === 1n ? "" : "s"}`;
    return [profile, declared, calls, `${instructions} instructions`].filter(Boolean).join(", ");
  }
  const passed = ran.length - broken.length;
  const parts = [
    passed ? `${passed} pass` : "",
    broken.length ? `${broken.length} ${declared} (${broken.join(", ")})` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** Profiles that fail in the same words share them. */
function grouped(failed: RunResult[], bold: (text: string) => string): string[] {
  const byText = new Map<string, string[]>();
  for (const result of failed) {
    const all = problems(result);
    const shown = all.slice(0, MOST_PROBLEMS).flatMap((problem) => problemLines(problem, bold));
    if (all.length > MOST_PROBLEMS) shown.push(`and ${all.length - MOST_PROBLEMS} more`);
    const text = shown.map((line) => `  ${line}`).join("\n");
    byText.set(text, [...(byText.get(text) ?? []), result.profile]);
  }
  return [...byText].flatMap(([text, profiles]) => [profiles.join(", "), ...text.split("\n")]);
}
