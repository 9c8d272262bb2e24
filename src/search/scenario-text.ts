import type { ExactRun } from "../exact/count.ts";
import { functionName, type Graph, graphText } from "./graph.ts";
import { type Indexing, programText, TABLE } from "./program-text.ts";

/** What a profile does with a graph that it breaks on. */
export interface Breakage {
  profile: string;
  check: string;
  exact: ExactRun;
}

/** The graph as a scenario file; `tailCalls`: how many a design that holds takes. */
export function scenarioText(
  graph: Graph,
  indexing: Indexing,
  tailCalls: bigint | undefined,
  breakages: readonly Breakage[],
): string {
  const held = graph.slots.flatMap((program, slot) =>
    program === undefined ? [] : [`${slot}: ${functionName(program, 0)}`],
  );
  const values = held.length ? `, values: { ${held.join(", ")} }` : "";
  const programs = graph.programs.map(
    (_, p) => `  ${functionName(p, 0)}: |\n${indent(programText(graph, p, indexing), 4)}`,
  );
  return [
    `title: Calls and ${indexing} tail calls that a search has found`,
    `about: |\n  ${graphText(graph)}\n`,
    `maps:\n  ${TABLE}: { type: prog_array, max_entries: ${graph.slots.length}${values} }\n`,
    `programs:\n${programs.join("")}`,
    `run: ${functionName(0, 0)}`,
    `expect: { r0: 0${tailCalls === undefined ? "" : `, tail_calls: ${tailCalls}`} }`,
    ...(breakages.length ? [`\nbreaks:\n${breakages.map(breakText).join("")}`.trimEnd()] : []),
    "",
  ].join("\n");
}

function breakText({ profile, check, exact }: Breakage): string {
  const count = exact.kind === "exact" ? `tail_calls: ${exact.tailCalls}, ` : "";
  return `  ${profile}: { ${count}checks: [${check}] }\n`;
}

const indent = (text: string, by: number): string =>
  text
    .split("\n")
    .map((line) => (line ? " ".repeat(by) + line : line))
    .join("\n");
