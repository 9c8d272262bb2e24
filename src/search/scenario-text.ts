import { functionName, type Graph, graphText } from "./graph.ts";
import { type Indexing, programText, TABLE, TRACER, TRACERS } from "./program-text.ts";

/** A graph, and the way in which it was run. */
export interface Finding {
  graph: Graph;
  indexing: Indexing;
  /** a fexit program that tail-calls is attached to each function */
  traced: boolean;
  /** tail calls that a design which holds takes; undefined: not known */
  holds: bigint | undefined;
}

/** What a profile does with a graph that it breaks on. */
export interface Breakage {
  profile: string;
  /** the contract that is broken; undefined: the number of tail calls is another */
  check?: string;
  tailCalls?: bigint;
}

/** The graph as a scenario file. */
export function scenarioText({ graph, indexing, traced, holds }: Finding, breakages: readonly Breakage[]): string {
  const held = graph.slots.flatMap((program, slot) =>
    program === undefined ? [] : [`${slot}: ${functionName(program, 0)}`],
  );
  const values = held.length ? `, values: { ${held.join(", ")} }` : "";
  const programs = graph.programs.map(
    (_, p) => `  ${functionName(p, 0)}: |\n${indent(programText(graph, p, indexing), 4)}`,
  );
  return [
    `title: Calls and ${indexing} tail calls that a search has found${traced ? ", traced" : ""}`,
    `about: |\n  ${graphText(graph)}\n`,
    `maps:\n  ${TABLE}: { type: prog_array, max_entries: ${graph.slots.length}${values} }`,
    `${traced ? `  ${TRACERS}: { type: prog_array, max_entries: 1 }\n` : ""}`,
    `programs:\n${programs.join("")}${traced ? tracers(graph) : ""}`,
    `run: ${functionName(0, 0)}`,
    `expect: { r0: 0${holds === undefined ? "" : `, tail_calls: ${holds}`} }`,
    ...(breakages.length ? [`\nbreaks:\n${breakages.map(breakText).join("")}`.trimEnd()] : []),
    "",
  ].join("\n");
}

const tracers = (graph: Graph): string =>
  graph.programs
    .flatMap((program, p) => program.map((_, i) => tracer(functionName(p, 0), functionName(p, i))))
    .join("");

const tracer = (program: string, fn: string): string =>
  `  on_${fn}:\n    attach: { type: fexit, program: ${program}, function: ${fn} }\n    code: |\n${indent(TRACER, 6)}`;

function breakText({ profile, check, tailCalls }: Breakage): string {
  const parts = [
    ...(tailCalls === undefined ? [] : [`tail_calls: ${tailCalls}`]),
    ...(check === undefined ? [] : [`checks: [${check}]`]),
  ];
  return `  ${profile}: { ${parts.join(", ")} }\n`;
}

const indent = (text: string, by: number): string =>
  text
    .split("\n")
    .map((line) => (line ? " ".repeat(by) + line : line))
    .join("\n");
