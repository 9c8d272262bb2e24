import { listProgram } from "../../bpf/disasm/disassemble.ts";
import { PROG_TYPE_RAW_TRACEPOINT } from "../../bpf/program.ts";
import { TABLES, VALUES } from "./genome.ts";
import { CELLS, HASH, PERCPU } from "./helper-writer.ts";
import { DATA } from "./memory-writer.ts";
import type { ProgramOutcome } from "./outcome.ts";
import { ARGUMENTS } from "./surroundings.ts";
import { tableName, type WrittenProgram } from "./write.ts";

export interface ScenarioFacts {
  title: string;
  /** a few lines: what was found */
  about: string;
  /** span of kernels that take it */
  profiles: string;
}

/** A whole program as a scenario file, with what the interpreter makes of it as its expectation. */
export function scenarioText(program: WrittenProgram, reference: ProgramOutcome, facts: ScenarioFacts): string {
  const { programs, table, values, steps } = program;
  const tables = TABLES.map((entries, index) => {
    const held = new Map(table.filter((slot) => slot.table === index).map((slot) => [slot.index, slot.program]));
    const content = [...held].map(([slot, which]) => `${slot}: p${which}`).join(", ");
    return `  ${tableName(index)}: { type: prog_array, max_entries: ${entries}${content ? `, values: { ${content} }` : ""} }`;
  });
  const maps = [
    `  ${DATA}: { type: array, value_size: ${8 * VALUES}, max_entries: 1, values: { 0: [${values.join(", ")}] } }`,
    `  ${CELLS}: { type: array, value_size: 8, max_entries: 4 }`,
    `  ${HASH}: { type: hash, key_size: 4, value_size: 8, max_entries: 4 }`,
    `  ${PERCPU}: { type: percpu_array, value_size: 8, max_entries: 4 }`,
    ...tables,
  ];
  const isTracing = programs[0].type === PROG_TYPE_RAW_TRACEPOINT;
  const texts = programs.map((one) => {
    const type = isTracing ? "    type: raw_tracepoint\n" : "    type: classifier\n";
    return `  ${one.name}:\n${type}    code: |\n${indent(listProgram(one), 6)}\n`;
  });
  for (const { program: tracer, type, target, func, nargs } of program.tracers) {
    const attach = `{ type: ${type}, program: ${programs[target].name}, function: ${func}, args: ${nargs} }`;
    texts.push(`  ${tracer.name}:\n    attach: ${attach}\n    code: |\n${indent(listProgram(tracer), 6)}\n`);
  }
  const context = isTracing ? `, context: { args: [${ARGUMENTS.join(", ")}] }` : "";
  const last = steps.findLastIndex(({ kind }) => kind === "run");
  const lines = steps.flatMap((step, index) => {
    if (step.kind === "values") return [`  - { update: { ${DATA}: { 0: [${step.values.join(", ")}] } } }`];
    if (step.kind === "slot") {
      if (step.program !== undefined)
        return [`  - { update: { ${tableName(step.table)}: { ${step.index}: p${step.program} } } }`];
      return [`  - { delete: { ${tableName(step.table)}: [${step.index}] } }`];
    }
    const ran = reference.runs.find((run) => run.step === index);
    if (ran?.r0 === undefined) return [];
    const expected = [`r0: ${ran.r0}`, `tail_calls: ${ran.tailCalls}`];
    if (index === last) expected.push(...mapExpectation(reference));
    return [`  - { run: p${step.program}${context}, expect: { ${expected.join(", ")} } }`];
  });
  return [
    `title: ${facts.title}`,
    `about: |\n${indent(facts.about, 2)}`,
    `profiles: [${facts.profiles}]`,
    "",
    "maps:",
    ...maps.filter((line) => program.maps.has(/^ {2}(\w+)/.exec(line)![1])),
    "",
    "programs:",
    texts.join("").trimEnd(),
    "",
    "steps:",
    ...lines,
    "",
  ].join("\n");
}

/** What the maps hold at the end, where it is not zeros. */
function mapExpectation({ maps }: ProgramOutcome): string[] {
  const byMap = new Map<string, string[]>();
  for (const line of maps) {
    const [, name, key, hex] = /^(\w+)\[(\d+)\] = ([0-9a-f]*)$/.exec(line)!;
    const bytes = Buffer.from(hex, "hex");
    if (name !== HASH && bytes.every((byte) => byte === 0)) continue;
    const words = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
    const value = name === DATA || name === PERCPU ? `[${words.join(", ")}]` : String(words[0]);
    byMap.set(name, [...(byMap.get(name) ?? []), `${key}: ${value}`]);
  }
  const texts = [...byMap].map(([name, entries]) => `${name}: { ${entries.join(", ")} }`);
  return texts.length ? [`maps: { ${texts.join(", ")} }`] : [];
}

const indent = (text: string, by: number): string =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `${" ".repeat(by)}${line}\n`)
    .join("")
    .trimEnd();
