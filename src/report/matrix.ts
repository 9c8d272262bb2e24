import type { RunResult } from "../runner/result.ts";
import { byScenario, collect, type Reporter, type ReportOptions, summaryLine } from "./report.ts";
import { fitEnd, fitMiddle, wrapLabel } from "./text-width.ts";

const CELL = 9;
const GAP = 2;
const MOST_LABEL = 32;

/** Scenarios down, profiles across: what each design gets right. Profiles that don't fit beside each other go into blocks. */
export const matrix: Reporter = async (results, options) => {
  const { results: all, summary, broken } = await collect(results, options);
  const profiles = [...new Set(all.map((result) => result.profile))];
  const scenarios = byScenario(all);
  if (scenarios.length) {
    const longest = Math.max(...scenarios.map(([{ scenario }]) => scenario.length), "gets right".length);
    const label = Math.min(longest, MOST_LABEL);
    const across = Math.max(1, Math.floor((options.width - label) / (CELL + GAP)));
    for (let i = 0; i < profiles.length; i += across)
      options.write(`${block(scenarios, profiles.slice(i, i + across), label, options)}\n\n`);
    options.write(`${legend(options)}\n`);
  }
  options.write(`${(summary.failed ? options.colors.red : options.colors.green)(summaryLine(summary, broken))}\n`);
  return summary;
};

function block(scenarios: RunResult[][], profiles: string[], label: number, options: ReportOptions): string {
  const { colors } = options;
  const line = (name: string, cells: string[]) => [fitMiddle(name, label), ...cells].join(" ".repeat(GAP)).trimEnd();
  const headers = profiles.map((profile) => wrapLabel(profile, CELL));
  const height = Math.max(...headers.map((header) => header.length));
  const heads = Array.from({ length: height }, (_, i) =>
    line(
      "",
      headers.map((header) => colors.bold(fitEnd(header[i - height + header.length] ?? "", CELL))),
    ),
  );
  const rows = scenarios.map((results) =>
    line(
      results[0].scenario,
      profiles.map((profile) =>
        cell(
          results.find((result) => result.profile === profile),
          options,
        ),
      ),
    ),
  );
  const all = scenarios.flat();
  const right = profiles.map((profile) =>
    colors.bold(fitEnd(score(all.filter((result) => result.profile === profile)), CELL)),
  );
  return [...heads, ...rows, line("gets right", right)].join("\n");
}

function cell(result: RunResult | undefined, { colors }: ReportOptions): string {
  const text = (glyph: string, word: string) => fitEnd(`${glyph} ${word}`, CELL);
  if (!result || result.verdict === "skip") return colors.dim(text("–", "skip"));
  if (result.verdict === "pass") return colors.green(text("✓", String(result.tailCalls)));
  if (result.verdict === "breaks") return colors.yellow(text("✗", broken(result)));
  return colors.inverse(colors.red(text("!!", broken(result))));
}

/** "12/14": passed of those that ran. */
function score(results: RunResult[]): string {
  const ran = results.filter((result) => result.verdict !== "skip");
  return `${ran.filter((result) => result.verdict === "pass").length}/${ran.length}`;
}

const SHORT: Record<string, string> = {
  "tail-call-limit": "limit",
  "callee-saved": "saved",
  arguments: "args",
  "stack-balance": "balance",
  "stack-init": "init",
  "stack-depth": "depth",
};

/** What is broken, in a word of at most seven letters. */
export function broken({ findings, mismatches }: RunResult): string {
  const [finding] = findings;
  if (finding) return SHORT[finding.check] ?? finding.check;
  const key = mismatches[0]?.path
    .split(".")
    .findLast((part) => /^(r0|tail_calls|instructions|max_stack|maps|helpers|stack|xlated|jited)$/.test(part));
  return { tail_calls: "calls", instructions: "insns", max_stack: "depth" }[key ?? ""] ?? key ?? "broken";
}

function legend({ colors }: ReportOptions): string {
  const holds = `${colors.green("✓ 33")} holds, tail calls taken`;
  const declared = `${colors.yellow("✗ limit")} breaks this contract, as declared`;
  const wrong = `${colors.inverse(colors.red("!! limit"))} not as declared`;
  return `${holds}   ${declared}\n${wrong}   ${colors.dim("– skip")} does not apply`;
}
