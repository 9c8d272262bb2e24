import fc from "fast-check";
import {
  type FunctionGenes,
  type Gene,
  type Genome,
  KINDS,
  type Kind,
  type StepGenes,
  TABLES,
  VALUES,
} from "./genome.ts";

/** How often each kind comes. */
const WEIGHTS: Record<Kind, number> = {
  move: 2,
  aluImm: 8,
  aluReg: 9,
  unary: 3,
  wide: 1,
  store: 4,
  load: 4,
  if: 5,
  call: 7,
  tail: 9,
  atomic: 3,
  helper: 3,
  context: 2,
  loop: 1,
};
const BY_WEIGHT = KINDS.flatMap((kind, index) => new Array<number>(WEIGHTS[kind]).fill(index));

/** Where arithmetic, encodings and comparisons change. */
const EDGES = [0, 1, -1, 2, 8, 31, 32, 33, 63, 64, 127, 128, -128, -129, 255, 0x7fff, 0xffff, 2 ** 31 - 1, -(2 ** 31)];

const byte = fc.nat(255);
const imm = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
);
const kind = fc.nat(BY_WEIGHT.length - 1).map(
  (n) => BY_WEIGHT[n],
  (value) => BY_WEIGHT.indexOf(value as number),
);
const gene: fc.Arbitrary<Gene> = fc.tuple(kind, byte, byte, byte, imm);

const functionGenes: fc.Arbitrary<FunctionGenes> = fc.record({
  frame: byte,
  slots: fc.nat(7),
  arguments: fc.nat(4),
  genes: fc.array(gene, { maxLength: 12, size: "max" }),
  result: byte,
});

const some = (most: number): fc.ArrayConstraints => ({ minLength: 1, maxLength: most, size: "max" });
const table = fc.nat(TABLES.length - 1);
const index = fc.nat(3);
const program = fc.nat(2);
const tracer = fc.constantFrom("fentry" as const, "fexit" as const);

const step: fc.Arbitrary<StepGenes> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("run" as const), program }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("slot" as const),
      table,
      index,
      program: fc.option(program, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("value" as const), index: fc.nat(VALUES - 1), value: imm }) },
);

/** Whole programs for `eras` kernels. */
export const genomes = (eras: number): fc.Arbitrary<Genome> =>
  fc.record({
    era: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(Math.max(0, eras - 1)) }),
    type: fc.constantFrom("classifier", "raw_tracepoint"),
    programs: fc.array(fc.array(functionGenes, some(3)), some(3)),
    table: fc.array(fc.record({ table, index, program }), { minLength: 1, maxLength: 8, size: "max" }),
    values: fc.array(imm, { minLength: VALUES, maxLength: VALUES }),
    tracers: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.record({ program, func: program, type: tracer }), some(2)) },
    ),
    steps: fc.array(step, { maxLength: 4, size: "max" }),
  });
