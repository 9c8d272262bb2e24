import { expect, test } from "vitest";
import { kernels, verify } from "../../../bpf/verifier/index.ts";
import { dialectNeeded, dialectOf, takes } from "../../../src/fuzz/dialect.ts";
import { Generator } from "../../../src/fuzz/generate.ts";
import { KINDS } from "../../../src/fuzz/genome.ts";
import { MAPS, writeProgram } from "../../../src/fuzz/write.ts";

const gene = (kind: (typeof KINDS)[number], a = 0, b = 0, c = 0, imm = 0) =>
  [KINDS.indexOf(kind), a, b, c, imm] as const;

test.each(["linux-4.10", "linux-5.4", "linux-5.10", "linux-6.1", "linux-6.12", "linux-7.2"])(
  "whatever is generated for %s, its verifier takes it",
  (name) => {
    const dialect = dialectOf(kernels[name]);
    const generator = new Generator(7, 1);
    for (let index = 0; index < 40; index++)
      for (const program of writeProgram(generator.generate(index), dialect).programs) {
        expect(takes(dialect, dialectNeeded(program))).toBe(true);
        expect(() => verify(program, MAPS, kernels[name]), `program ${index}`).not.toThrow();
      }
  },
);

test("a program depends on its seed and number only", () => {
  const one = new Generator(1, 2);
  one.generate(5);
  expect(one.generate(6)).toEqual(new Generator(1, 2).generate(6));
  expect(one.generate(6)).not.toEqual(new Generator(2, 2).generate(6));
  expect(one.generate(6)).not.toEqual(one.generate(7));
});

test("a smaller program is found that still has what matters", () => {
  const generator = new Generator(1, 1);
  const has = (genome: ReturnType<Generator["generate"]>) =>
    genome.programs.some((functions) =>
      functions.some(({ genes }) => genes.some(([kind]) => KINDS[kind] === "atomic")),
    );
  let index = 0;
  while (!has(generator.generate(index))) index++;
  expect(generator.shrink(index, has, 2000).programs).toEqual([
    [{ frame: 0, slots: 0, arguments: 0, genes: [gene("atomic")], result: 0 }],
  ]);
});

test("functions that nobody calls are left out, and a kernel without calls gets none", () => {
  const idle = { frame: 0, slots: 0, arguments: 0, genes: [], result: 0 };
  const caller = { ...idle, genes: [gene("call", 1)] };
  const genome = {
    era: 0,
    type: "classifier" as const,
    programs: [[caller, idle, idle]],
    table: [],
    values: [],
    steps: [],
    tracers: [],
  };
  const names = (kernel: string) =>
    writeProgram(genome, dialectOf(kernels[kernel])).programs[0].functions.map(({ name }) => name);
  expect(names("linux-6.12")).toEqual(["p0", "p0_f2"]);
  expect(names("linux-4.10")).toEqual(["p0"]);
});
