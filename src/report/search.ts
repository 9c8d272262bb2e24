import { graphText } from "../search/graph.ts";
import type { Found } from "../search/search.ts";
import type { ReportOptions } from "./report.ts";

/** One line for each profile: how many graphs were tried, and the smallest that breaks it. */
export function searchLine(found: Found, { colors }: ReportOptions): string {
  const { profile, tried, broken, smallest, refused, counted, endless, most } = found;
  const mark = broken ? colors.red("✗") : colors.green("✓");
  const left = refused ? `, ${refused} refused by its verifier` : "";
  const head = `${mark} ${colors.bold(profile)}  ${tried} tried${left}, ${broken} broken`;
  if (!smallest) return `${head}\n`;
  return `${head}\n    smallest  ${graphText(smallest.graph)}  (${smallest.indexing})\n    takes     ${takes(found)}\n    all       ${counted} counted to their end, up to ${most} tail calls; ${endless} without end\n`;
}

function takes({ smallest }: Found): string {
  if (!smallest) return "";
  const { exact, trial } = smallest;
  if (exact.kind === "exact") return `${exact.tailCalls} tail calls`;
  return exact.kind === "endless" ? `no end of tail calls: ${exact.why}` : `${trial.how}; ${exact.why}`;
}

/** The same for programs. */
export const searchJson = (graphs: number, results: readonly Found[], ms: number): string =>
  `${JSON.stringify(
    {
      summary: { graphs, tried: sum(results, "tried"), broken: sum(results, "broken"), ms: Math.round(ms) },
      results: results.map(({ smallest, most, ...found }) => ({
        ...found,
        most: String(most),
        smallest: smallest && {
          graph: graphText(smallest.graph),
          indexing: smallest.indexing,
          tailCalls: smallest.exact.kind === "exact" ? String(smallest.exact.tailCalls) : null,
          how: smallest.exact.kind,
        },
      })),
    },
    undefined,
    2,
  )}\n`;

const sum = (results: readonly Found[], key: "tried" | "broken"): number =>
  results.reduce((total, found) => total + found[key], 0);
