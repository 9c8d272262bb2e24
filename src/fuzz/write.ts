import type { Insn } from "../../bpf/insn.ts";
import {
  MAP_TYPE_ARRAY,
  MAP_TYPE_HASH,
  MAP_TYPE_PERCPU_ARRAY,
  MAP_TYPE_PROG_ARRAY,
  type MapDef,
  PROG_TYPE_RAW_TRACEPOINT,
  PROG_TYPE_SCHED_CLS,
  type Program,
  type Reloc,
} from "../../bpf/program.ts";
import { CodeWriter } from "./code-writer.ts";
import type { Dialect } from "./dialect.ts";
import { FunctionWriter } from "./function-writer.ts";
import { type FunctionGenes, type Genome, KINDS, TABLES, VALUES } from "./genome.ts";
import { CELLS, HASH, PERCPU } from "./helper-writer.ts";
import { DATA } from "./memory-writer.ts";
import { writeTracer } from "./tracer-writer.ts";

/** The maps of every program that is generated. */
export const MAPS: readonly MapDef[] = [
  { name: DATA, type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 8 * VALUES, maxEntries: 1 },
  { name: CELLS, type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: HASH, type: MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: PERCPU, type: MAP_TYPE_PERCPU_ARRAY, keySize: 4, valueSize: 8, maxEntries: 4 },
  ...TABLES.map((maxEntries, i) => ({
    name: tableName(i),
    type: MAP_TYPE_PROG_ARRAY,
    keySize: 4,
    valueSize: 4,
    maxEntries,
  })),
];

export function tableName(table: number): string {
  return `table${table}`;
}

/** What is done, step by step. */
export type WrittenStep =
  | { kind: "run"; program: number }
  | { kind: "slot"; table: number; index: number; program: number | undefined }
  | { kind: "values"; values: readonly number[] };

/** A tracing program, and the function that it is attached to. */
export interface WrittenTracer {
  program: Program;
  type: "fentry" | "fexit";
  /** index of the program, name and first slot of its function, and how many arguments that has */
  target: number;
  func: string;
  start: number;
  nargs: number;
}

/** A whole program, ready to be loaded. */
export interface WrittenProgram {
  programs: Program[];
  table: { table: number; index: number; program: number }[];
  values: readonly number[];
  steps: WrittenStep[];
  tracers: WrittenTracer[];
  /** names of the maps that the programs and steps name, and of tables that are filled */
  maps: ReadonlySet<string>;
}

/** Bytes of stack of a function: four of them in a chain are within 512, or within 256 where there are tail calls. */
const STACK_LIMIT = 120;
const STACK_LIMIT_WITH_TAIL_CALLS = 56;

/** The genome as programs of a dialect. */
export function writeProgram(genome: Genome, dialect: Dialect): WrittenProgram {
  const count = genome.programs.length;
  const place = <T extends { table: number; index: number }>(slot: T): T => ({
    ...slot,
    index: slot.index % TABLES[slot.table],
  });
  // what is done behind the last run changes nothing
  const steps = genome.steps
    .slice(0, genome.steps.findLastIndex(({ kind }) => kind === "run") + 1)
    .map((step): WrittenStep => {
      if (step.kind === "run") return { kind: "run", program: step.program % count };
      if (step.kind === "slot")
        return place({ ...step, program: step.program === undefined ? undefined : step.program % count });
      return { kind: "values", values: genome.values.with(step.index, step.value) };
    });
  const programs = genome.programs.map((functions, index) => writeOne(functions, `p${index}`, genome.type, dialect));
  const tracers = genome.tracers.map(({ program, func, type }, index): WrittenTracer => {
    const target = program % count;
    const { name, start, nargs = 1 } = programs[target].functions[func % programs[target].functions.length];
    const attach = { type, prog: programs[target].name, func: func % programs[target].functions.length };
    return { program: writeTracer(`t${index}`, attach, nargs), type, target, func: name, start, nargs };
  });
  const written = {
    programs,
    tracers,
    table: genome.table.map((slot) => place({ ...slot, program: slot.program % count })),
    values: genome.values,
    steps: [{ kind: "run" as const, program: 0 }, ...steps],
  };
  return { ...written, maps: usedMaps(written) };
}

function usedMaps({ programs, tracers, table, steps }: Omit<WrittenProgram, "maps">): Set<string> {
  const used = new Set(table.map((slot) => tableName(slot.table)));
  for (const { relocs } of programs) for (const reloc of relocs) if ("map" in reloc) used.add(reloc.map);
  if (tracers.length) used.add(DATA);
  for (const step of steps)
    if (step.kind === "values") used.add(DATA);
    else if (step.kind === "slot") used.add(tableName(step.table));
  return used;
}

function writeOne(all: readonly FunctionGenes[], name: string, type: Genome["type"], dialect: Dialect): Program {
  const functions = dialect.calls ? all : all.slice(0, 1);
  const tails = dialect.mixed || functions.length === 1;
  const hasTails = tails && functions.some(({ genes }) => genes.some(([kind]) => KINDS[kind] === "tail"));
  const stackLimit = hasTails ? STACK_LIMIT_WITH_TAIL_CALLS : STACK_LIMIT;
  const codes = functions.map((_, index) => {
    const code = new CodeWriter();
    new FunctionWriter(code, { dialect, type, functions, index, tails, stackLimit }).write();
    return code;
  });
  const programType = type === "classifier" ? PROG_TYPE_SCHED_CLS : PROG_TYPE_RAW_TRACEPOINT;
  return { name, type: programType, ...link(codes, functions, name) };
}

/** Functions that are called, one behind the other. */
function link(
  codes: readonly CodeWriter[],
  genes: readonly FunctionGenes[],
  name: string,
): Pick<Program, "insns" | "relocs" | "functions"> {
  const called = new Set([0]);
  for (const index of called) for (const { callee } of codes[index].calls) called.add(callee);
  const kept = [...called].sort((a, b) => a - b);
  const starts = new Map<number, number>();
  const insns: Insn[] = [];
  const relocs: Reloc[] = [];
  for (const index of kept) {
    const start = insns.length;
    starts.set(index, start);
    for (const reloc of codes[index].relocs) relocs.push({ ...reloc, insn: start + reloc.insn });
    insns.push(...codes[index].insns);
  }
  for (const index of kept)
    for (const { at, callee } of codes[index].calls) {
      const from = starts.get(index)! + at;
      insns[from].imm = starts.get(callee)! - from - 1;
    }
  const functions = kept.map((index) => ({
    name: index === 0 ? name : `${name}_f${index}`,
    start: starts.get(index)!,
    nargs: index === 0 ? 1 : 1 + genes[index].arguments,
  }));
  return { insns, relocs, functions };
}
