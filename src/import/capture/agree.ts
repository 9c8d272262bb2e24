import { INSN_SIZE } from "../../../bpf/insn.ts";
import { MAP_TYPE_PERCPU_ARRAY, MAP_TYPE_PERCPU_HASH } from "../../../bpf/program.ts";
import type { CaptureRecord, ProgramsRecord, SourceProgram } from "./format.ts";

/** Bytes that all values of a map may take: far above what a test needs, far below what a machine can give. */
const MAX_MAP = 64 << 20;

/** What a set says of itself: names that are used exist, once. Throws Error with the path of what does not fit. */
export function checkSet(set: ProgramsRecord): void {
  const maps = namesOf(set.maps, "maps");
  const programs = namesOf(set.progs, "progs");
  const knownMap = (path: string, name: string): void => known(`${path}.map`, name, maps, "map");
  const knownProgram = (path: string, name: string): void => known(`${path}.prog`, name, programs, "program");
  set.maps.forEach(({ type, value, max }, i) => {
    const copies = type === MAP_TYPE_PERCPU_HASH || type === MAP_TYPE_PERCPU_ARRAY ? 8 : 1;
    if (value * max * copies > MAX_MAP) throw new Error(`maps.${i}: ${max} values of ${value} bytes are too much`);
  });
  set.progs.forEach((program, i) => {
    checkProgram(program, `progs.${i}`);
    program.relocs?.forEach((reloc, j) => {
      if ("map" in reloc) knownMap(`progs.${i}.relocs.${j}`, reloc.map);
    });
    if (program.attach) knownProgram(`progs.${i}.attach`, program.attach.prog);
  });
  set.slots?.forEach(({ map, prog }, i) => {
    knownMap(`slots.${i}`, map);
    knownProgram(`slots.${i}`, prog);
  });
  set.runs?.forEach(({ prog, init }, i) => {
    knownProgram(`runs.${i}`, prog);
    init.forEach(({ map }, j) => {
      knownMap(`runs.${i}.init.${j}`, map);
    });
  });
}

function checkProgram({ insns, relocs = [], btf_funcs = [] }: SourceProgram, path: string): void {
  const count = insns.length / 2 / INSN_SIZE;
  if (!Number.isInteger(count)) throw new Error(`${path}.insns: ${insns.length / 2} bytes are no whole instructions`);
  const inside = (list: { insn: number }[], name: string): void =>
    list.forEach(({ insn }, i) => {
      if (insn >= count) throw new Error(`${path}.${name}.${i}.insn: ${insn}, of ${count} instructions`);
    });
  inside(relocs, "relocs");
  inside(btf_funcs, "btf_funcs");
  relocs.forEach((reloc, i) => {
    if ("map" in reloc && reloc.insn + 1 >= count)
      throw new Error(`${path}.relocs.${i}.insn: ${reloc.insn} has no second half`);
  });
}

/** What a capture's record says of the set: the same programs, maps with addresses, code as long as it says. */
export function checkAgainst(record: CaptureRecord, set: ProgramsRecord): void {
  same("progs", record.progs, set.progs);
  for (const { name } of set.maps)
    if (!Object.hasOwn(record.maps, name)) throw new Error(`maps: the address of ${name} is missing`);
  record.progs.forEach(({ funcs, jited }, i) => {
    if (jited && !funcs.length) throw new Error(`progs.${i}.funcs: empty, but the program is said to be compiled`);
    funcs.forEach(({ hex, hex_final, len }, j) => {
      const path = `progs.${i}.funcs.${j}`;
      for (const [key, code] of Object.entries({ hex, hex_final }))
        if (code !== undefined && code.length !== 2 * len)
          throw new Error(`${path}.${key}: ${code.length / 2} bytes, but len says ${len}`);
    });
  });
  if (record.runs?.length) same("runs", record.runs.map(runOf), (set.runs ?? []).map(runOf));
}

const runOf = ({ prog }: { prog: string }): { name: string } => ({ name: prog });

function same(path: string, captured: { name: string }[], source: { name: string }[]): void {
  const names = (list: { name: string }[]): string => list.map(({ name }) => name).join(" ") || "none";
  if (names(captured) !== names(source))
    throw new Error(`${path}: ${names(captured)}; expected those of programs.jsonl: ${names(source)}`);
}

function namesOf(list: { name: string }[], path: string): Set<string> {
  const names = new Set<string>();
  list.forEach(({ name }, i) => {
    if (names.has(name)) throw new Error(`${path}.${i}.name: there are two ${name}`);
    names.add(name);
  });
  return names;
}

function known(path: string, name: string, names: Set<string>, what: string): void {
  if (!names.has(name)) throw new Error(`${path}: there is no ${what} ${name} in the set`);
}
