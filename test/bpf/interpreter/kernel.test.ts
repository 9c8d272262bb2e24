import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodeInsns } from "../../../bpf/insn.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import { linkProgram } from "../../../bpf/interpreter/link.ts";
import { FlatMemory } from "../../../bpf/memory.ts";
import { MAP_TYPE_ARRAY } from "../../../bpf/program.ts";
import { CONTEXT } from "./machine.ts";

/** See test/fixtures/interpreter/README.md. */
interface RecordedSet {
  set: string;
  maps: { name: string; type: number; value: number; max: number }[];
  progs: { name: string; insns: string; relocs: { insn: number; map: string; kind: "map" | "value" }[] }[];
  slots?: { map: string; idx: number; prog: string }[];
  runs: {
    prog: string;
    packet: number;
    init: [map: string, index: number, hex: string][];
    retval: number;
    maps: Record<string, Record<number, string>>;
  }[];
}

const FIXTURE = new URL("../../fixtures/interpreter/x86_64-6.12.jsonl.br", import.meta.url);
const SETS: RecordedSet[] = brotliDecompressSync(readFileSync(FIXTURE))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const FAMILIES = new Map<string, RecordedSet[]>();
for (const set of SETS) {
  const family = set.set.split(".")[0];
  FAMILIES.set(family, [...(FAMILIES.get(family) ?? []), set]);
}

test.each([...FAMILIES])(
  "%s: every run returns what Linux 6.12 returned and leaves the same in the maps",
  (_, sets) => {
    for (const set of sets)
      expect({ set: set.set, runs: outcomes(set) }).toEqual({ set: set.set, runs: expected(set) });
  },
);

test("the record is complete", () => {
  const runs = SETS.reduce((sum, set) => sum + set.runs.length, 0);
  expect({ sets: SETS.length, runs }).toEqual({ sets: 936, runs: 2635 });
});

const expected = (set: RecordedSet) => set.runs.map(({ retval, maps }) => ({ retval, maps: arraysOf(set, maps) }));

/** Prog arrays are not shown, and an array without elements that are not 0 is. */
const arraysOf = (set: RecordedSet, contents: Record<string, Record<number, string>>) =>
  Object.fromEntries(
    set.maps.filter(({ type }) => type === MAP_TYPE_ARRAY).map(({ name }) => [name, contents[name] ?? {}]),
  );

function outcomes(set: RecordedSet): unknown[] {
  const memory = new FlatMemory();
  const addressOf = (name: string) =>
    0xff11000000000000n + (BigInt(set.maps.findIndex((map) => map.name === name)) << 32n);
  const values = new Map(
    set.maps.map(({ name, value, max }) => [name, memory.map(addressOf(name) + 0x108n, Math.max(8, value * max))]),
  );
  const programs = new Map(set.progs.map((program) => [program.name, linked(program, addressOf)]));
  const slots = new Map(set.slots?.map(({ map, idx, prog }) => [`${addressOf(map)} ${idx}`, programs.get(prog)!]));
  const context = memory.map(CONTEXT, 64);
  let packet = 0;
  const interpreter = new Interpreter({
    memory,
    lookupProgram: (map, index) => slots.get(`${map} ${index}`),
    loadPacket: (_, offset, size) => {
      if (offset < 0 || offset + size > packet) return undefined;
      return Array.from({ length: size }, (_, i) => (offset + i) & 255).reduce((value, byte) => value * 256 + byte, 0);
    },
  });
  return set.runs.map((run) => {
    for (const [name, index, hex] of run.init) {
      const { value } = set.maps.find((map) => map.name === name)!;
      values
        .get(name)!
        .fill(0, index * value, (index + 1) * value)
        .set(Buffer.from(hex, "hex").subarray(0, value), index * value);
    }
    packet = run.packet;
    new DataView(context.buffer).setUint32(0, packet, true); // len
    const outcome = interpreter.run(programs.get(run.prog)!, CONTEXT);
    const retval = outcome.kind === "exit" ? Number(BigInt.asUintN(32, outcome.r0)) : outcome;
    const contents = set.maps.map(({ name, value, max }) => [name, elements(values.get(name)!, value, max)]);
    return { retval, maps: arraysOf(set, Object.fromEntries(contents)) };
  });
}

function linked(program: RecordedSet["progs"][number], addressOf: (map: string) => bigint) {
  const insns = decodeInsns(Buffer.from(program.insns, "hex"));
  const relocs = program.relocs.map(({ insn, map, kind }) =>
    kind === "map" ? { insn, map, kind } : { insn, map, kind, off: insns[insn + 1].imm },
  );
  const value = (name: string) => addressOf(name) + 0x108n;
  return linkProgram({ name: program.name, type: 0, insns, relocs, functions: [] }, { map: addressOf, value });
}

function elements(bytes: Uint8Array, value: number, max: number): Record<number, string> {
  const shown: Record<number, string> = {};
  for (let index = 0; index < max; index++) {
    const element = bytes.subarray(index * value, (index + 1) * value);
    if (element.some((byte) => byte !== 0))
      shown[index] = value > 512 ? fnv1a64(element) : Buffer.from(element).toString("hex");
  }
  return shown;
}

function fnv1a64(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `fnv1a64:${hash.toString(16).padStart(16, "0")}`;
}
