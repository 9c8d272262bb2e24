import { graphText } from "../search/graph.ts";
import type { Broken, Found } from "../search/search.ts";
import type { ReportOptions } from "./report.ts";

/** A few lines for each profile: how many graphs were tried, and the smallest that break it. */
export function searchLine(found: Found, { colors }: ReportOptions): string {
  const { profile, tried, broken, traced, smallest, smallestTraced, refused, counted, endless, most } = found;
  const mark = broken || traced ? colors.red("✗") : colors.green("✓");
  const left = refused ? `, ${refused} refused by its verifier` : "";
  const lines = [
    `${mark} ${colors.bold(profile)}  ${tried} tried${left}, ${broken} broken${traced ? `, ${traced} more when traced` : ""}`,
  ];
  if (smallest)
    lines.push(
      `    smallest  ${graphText(smallest.graph)}  (${smallest.indexing})`,
      `    takes     ${takes(smallest)}`,
      `    all       ${counted} counted to their end, up to ${most} tail calls; ${endless} without end`,
    );
  if (smallestTraced) {
    const { graph, indexing, trial } = smallestTraced;
    lines.push(
      `    traced    ${graphText(graph)}  (${indexing}, a fexit program that tail-calls on each function)`,
      `    then      ${HOW[trial.how]}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

const HOW = {
  limit: "more tail calls than the limit",
  fault: "it faults, or returns something else",
  endless: "it does not end",
  count: "another number of tail calls than without",
};

function takes({ exact, trial }: Broken): string {
  if (exact.kind === "exact") return `${exact.tailCalls} tail calls`;
  return exact.kind === "endless" ? `no end of tail calls: ${exact.why}` : `${HOW[trial.how]}; ${exact.why}`;
}

/** The same for programs. */
export const searchJson = (graphs: number, results: readonly Found[], ms: number): string =>
  `${JSON.stringify(
    {
      summary: { graphs, tried: sum(results, "tried"), broken: sum(results, "broken"), ms: Math.round(ms) },
      results: results.map(({ smallest, smallestTraced, most, ...found }) => ({
        ...found,
        most: String(most),
        smallest: smallest && {
          graph: graphText(smallest.graph),
          indexing: smallest.indexing,
          tailCalls: smallest.exact.kind === "exact" ? String(smallest.exact.tailCalls) : null,
          how: smallest.exact.kind,
        },
        smallestTraced: smallestTraced && {
          graph: graphText(smallestTraced.graph),
          indexing: smallestTraced.indexing,
          how: smallestTraced.trial.how,
        },
      })),
    },
    undefined,
    2,
  )}\n`;

const sum = (results: readonly Found[], key: "tried" | "broken"): number =>
  results.reduce((total, found) => total + found[key], 0);
