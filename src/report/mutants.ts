import { type MutantResult, mutantName } from "../mutants/mutant.ts";
import { emitterOf } from "../mutants/place.ts";
import { duration, type ReportOptions } from "./report.ts";

export interface MutantSummary {
  total: number;
  equivalent: number;
  killed: number;
  survived: number;
  /** wall-clock milliseconds */
  ms: number;
}

export function summaryOf(results: readonly MutantResult[], ms: number): MutantSummary {
  const count = (verdict: MutantResult["verdict"]): number => results.filter((one) => one.verdict === verdict).length;
  return {
    total: results.length,
    equivalent: count("equivalent"),
    killed: count("killed"),
    survived: count("survived"),
    ms: Math.round(ms),
  };
}

/** For people: each survivor with its bytes and what would catch it, then the score of each profile. */
export function mutantsText(results: readonly MutantResult[], options: ReportOptions): string {
  const survivors = results.filter(({ verdict }) => verdict === "survived").map((one) => survivorText(one, options));
  const profiles = [...new Set(results.map(({ profile }) => profile))];
  const scores = profiles.map((profile) =>
    scoreLine(
      profile,
      results.filter((one) => one.profile === profile),
    ),
  );
  const { total, equivalent, killed, survived } = summaryOf(results, 0);
  const paint = survived ? options.colors.red : options.colors.green;
  const line = `${total} mutants: ${killed} killed, ${survived} survived, ${equivalent} equivalent in ${duration(options.elapsed())}`;
  return `${[...survivors, ...scores, paint(line)].join("\n")}\n`;
}

const scoreLine = (profile: string, results: readonly MutantResult[]): string => {
  const { killed, survived } = summaryOf(results, 0);
  return `${profile}  ${killed} of ${killed + survived} killed, ${percent(killed, killed + survived)}`;
};

/** Rounded down: 100 % means all. */
const percent = (part: number, all: number): string =>
  all ? `${(Math.floor((1000 * part) / all) / 10).toFixed(1)} %` : "none";

function survivorText(result: MutantResult, { colors }: ReportOptions): string {
  const { profile, site, sample, reachedBy = [], notice } = result;
  const { before, after } = sample;
  const lines = [
    `${colors.red("✗")} ${colors.bold(mutantName(result))}  ${profile}`,
    `    emitter  jit/x86/${emitterOf(site)}`,
    `    at       ${sample.function}+0x${sample.offset.toString(16)} in ${sample.scenario}`,
    ...(before && after ? [`    before   ${spaced(before)}`, `    after    ${spaced(after)}`] : []),
    `    missing  ${missing(reachedBy, notice, before !== undefined)}`,
  ];
  return lines.join("\n");
}

const spaced = ([hex, text]: [string, string]): string => `${hex.replace(/..(?=.)/g, "$& ")}  ${text}`;

/** What kind of scenario would catch it. */
function missing(reachedBy: readonly string[], notice = "", inBytes: boolean): string {
  if (!inBytes) return `a scenario that depends on ${notice}`;
  if (!reachedBy.length) return `a scenario that executes this, and depends on ${notice}`;
  return `a scenario that depends on ${notice}; ${reachedBy.join(", ")} ${reachedBy.length === 1 ? "executes" : "execute"} it without`;
}

/** The same for programs. */
export const mutantsJson = (results: readonly MutantResult[], ms: number): string =>
  `${JSON.stringify(
    {
      summary: summaryOf(results, ms),
      results: results.map((result) => ({ name: mutantName(result), emitter: emitterOf(result.site), ...result })),
    },
    null,
    2,
  )}\n`;
