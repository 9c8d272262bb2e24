import { afterAll, expect, test } from "vitest";
import type { X86Profile } from "../../../jit/profile.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { Generator } from "../../../src/fuzz/generate.ts";
import { KINDS } from "../../../src/fuzz/genome.ts";
import { Laboratory } from "../../../src/fuzz/laboratory.ts";

const named = (name: string): X86Profile => profileNamed(name)!;
const open: Laboratory[] = [];
function laboratory(profiles: X86Profile[], strict = false): Laboratory {
  const made = new Laboratory({ profiles, strict });
  open.push(made);
  return made;
}
afterAll(() => {
  for (const one of open) one.close();
});

const gene = (kind: (typeof KINDS)[number], a = 0, b = 0, c = 0, imm = 0) =>
  [KINDS.indexOf(kind), a, b, c, imm] as const;
const idle = { frame: 0, slots: 0, arguments: 0, genes: [], result: 0 };
const tail = { ...idle, genes: [gene("tail", 0, 0, 1)] };
/** The hierarchy of the thread: a function that is called twice tail-calls the program that calls it. */
const HIERARCHY = {
  era: 0,
  type: "classifier" as const,
  programs: [[{ ...idle, genes: [gene("call"), gene("call")] }, tail]],
  table: [{ table: 0, index: 0, program: 0 }],
  values: [0, 0, 0, 0, 0, 0, 0, 0],
  steps: [],
  tracers: [],
};

test("what is generated does the same on the interpreter and on every kernel", () => {
  const kernels = ["linux-4.10", "linux-5.4", "linux-5.10", "linux-6.1", "linux-6.12", "linux-7.2"];
  const all = laboratory(kernels.map(named));
  const generator = new Generator(3, all.eras.length);
  const ran = new Set<string>();
  for (let index = 0; index < 30; index++) {
    const { disagreements, profiles } = all.try(generator.generate(index), index % 6 === 0);
    expect(disagreements, `program ${index}`).toEqual([]);
    for (const profile of profiles) ran.add(profile);
  }
  expect(ran).toEqual(new Set(kernels));
});

test("a kernel that counts by value goes past the limit as it is known to, and is caught where it may not", () => {
  const profiles = [named("linux-6.1"), named("linux-6.12")];
  expect(laboratory(profiles).try(HIERARCHY, true)).toMatchObject({ disagreements: [], pastLimit: ["linux-6.1"] });
  expect(laboratory(profiles, true).try(HIERARCHY, true).disagreements).toMatchObject([
    { profile: "linux-6.1", what: "tail-call-limit", step: 0 },
  ]);
});

test.each<[string, Partial<X86Profile>, object]>([
  ["counts to 32 only", { maxTailCalls: 32 }, { what: "tail-calls", expected: "33", actual: "32" }],
  ["reads bpf_func 8 bytes off", { offsets: { ...named("linux-6.12").offsets, bpfFunc: 56 } }, { what: "fault" }],
])("a JIT that %s disagrees", (_, broken, expected) => {
  // R0 is 0, and the index comes from it
  const entry = { ...idle, genes: [gene("move"), gene("tail")] };
  const own = laboratory([{ ...named("linux-6.12"), ...broken }]);
  expect(own.try({ ...HIERARCHY, programs: [[entry]] }, false).disagreements).toMatchObject([expected]);
});

test("a program that takes too long is not compared", () => {
  const own = laboratory([named("linux-6.12")]);
  const busy = { ...idle, genes: new Array(12).fill(gene("call")) };
  const last = { ...idle, genes: [...new Array(12).fill(gene("move")), gene("tail", 0, 0, 1)] };
  const genome = { ...HIERARCHY, programs: [[busy, busy, busy, last]] };
  expect(own.try(genome, false)).toMatchObject({ tooLong: true, disagreements: [] });
});

test("before 5.11 a 32-bit division cut its divisor off: programs for those kernels do so themselves, others do not run there", () => {
  const divides = { ...HIERARCHY, programs: [[{ ...idle, genes: [gene("aluReg", 10, 0, 1)] }]] };
  const both = laboratory([named("linux-5.10"), named("linux-6.12")]);
  expect(both.try({ ...divides, era: 0 }, false).profiles).toEqual(["linux-6.12"]);
  expect(both.try({ ...divides, era: 1 }, false).profiles).toEqual(["linux-5.10", "linux-6.12"]);
});

test("constant blinding draws random numbers, and programs get the same ones all the same", () => {
  const random = {
    ...HIERARCHY,
    programs: [[{ ...idle, genes: [gene("move", 0, 0, 0, 1234567), gene("helper", 1)] }]],
  };
  expect(laboratory([named("linux-6.12+harden")]).try(random, false).disagreements).toEqual([]);
});

test("tracing programs see what a function is given and what it returns, on kernels that count through them", () => {
  const callee = { ...idle, arguments: 1, genes: [gene("move", 0, 0, 0, 5)] };
  const caller = { ...idle, genes: [gene("move", 0, 1, 0, 7), gene("call", 0, 1, 0)] };
  const genome = {
    ...HIERARCHY,
    programs: [[caller, callee]],
    tracers: [
      { program: 0, func: 1, type: "fentry" as const },
      { program: 0, func: 1, type: "fexit" as const },
    ],
  };
  const both = laboratory([named("linux-6.1"), named("linux-6.12")]);
  expect(both.try(genome, false)).toMatchObject({ disagreements: [], profiles: ["linux-6.12"] });
  const [data] = both.expect(genome, "linux-6.12").reference.maps;
  const words = Buffer.from(data.split(" = ")[1], "hex");
  // word 1: the argument, seen twice; word 2: the result, once; word 7: both ran
  expect([1, 2, 7].map((word) => Number(words.readBigInt64LE(8 * word)))).toEqual([14, 5, 2]);
});
