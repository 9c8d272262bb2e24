import fc from "fast-check";
import { expect, test } from "vitest";
import { checkClassic } from "../../../bpf/classic/check.ts";
import { type ClassicInsn, encodeClassic } from "../../../bpf/classic/insn.ts";
import { runVector } from "../../../src/conformance/vector/run.ts";
import { runClassic } from "./classic-model.ts";

const MOST = 24;
const PACKET = 60;

const u32 = fc.oneof(fc.nat(80), fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0), fc.nat(0xffffffff));
const of = (codes: number[], k: fc.Arbitrary<number>): fc.Arbitrary<ClassicInsn> =>
  fc.record({ code: fc.constantFrom(...codes), jt: fc.constant(0), jf: fc.constant(0), k });
const word = fc.nat(15);

/** Operations with X: shifts among them only by constants, as classic BPF leaves counts of 32 and more open. */
const withX = [0x0c, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x9c, 0xac];
const withK = [0x04, 0x14, 0x24, 0x44, 0x54, 0xa4];

const instruction: fc.Arbitrary<ClassicInsn> = fc.oneof(
  { weight: 3, arbitrary: of([0x20, 0x28, 0x30], fc.nat(PACKET + 4)) }, // ld, ldh, ldb [k]
  { weight: 3, arbitrary: of([0x40, 0x48, 0x50], fc.nat(PACKET + 4)) }, // [x + k]
  { weight: 1, arbitrary: of([0xb1], fc.nat(PACKET)) }, // ldxb 4*([k]&0xf)
  { weight: 2, arbitrary: of([0x00, 0x01], u32) }, // ld, ldx #k
  { weight: 1, arbitrary: of([0x80, 0x81, 0x07, 0x87, 0x84], fc.constant(0)) }, // len, tax, txa, neg
  { weight: 2, arbitrary: of([0x60, 0x61, 0x02, 0x03], word) }, // M[k]
  { weight: 4, arbitrary: of([...withX, ...withK], u32) },
  { weight: 1, arbitrary: of([0x34, 0x94], fc.integer({ min: 1, max: 0xffffffff })) }, // div, mod #k
  { weight: 1, arbitrary: of([0x64, 0x74], fc.nat(31)) }, // lsh, rsh #k
  { weight: 1, arbitrary: of([0x06, 0x16], u32) }, // ret
  {
    weight: 4,
    arbitrary: fc.record({
      code: fc.constantFrom(0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d),
      jt: fc.nat(6),
      jf: fc.nat(6),
      k: u32,
    }),
  },
  { weight: 1, arbitrary: of([0x05], fc.nat(6)) }, // ja
);

/** Filters that the kernel takes: all words of M[] are written first, jumps end at the last ret. */
const filter = fc.array(instruction, { minLength: 1, maxLength: MOST }).map((body): ClassicInsn[] => {
  const stores = Array.from({ length: 16 }, (_, k) => ({ code: 0x02, jt: 0, jf: 0, k }));
  const clipped = body.map((insn, i) => {
    const left = body.length - i - 1;
    if ((insn.code & 7) !== 5) return insn;
    if (insn.code === 0x05) return { ...insn, k: Math.min(insn.k, left) };
    return { ...insn, jt: Math.min(insn.jt, left), jf: Math.min(insn.jf, left) };
  });
  return [...stores, ...clipped, { code: 0x16, jt: 0, jf: 0, k: 0 }];
});

test.each(["interpreter", "linux-6.1", "linux-7.2+harden"])("any filter returns what classic BPF says, on %s", (on) => {
  const property = fc.property(filter, fc.uint8Array({ minLength: 0, maxLength: PACKET }), (insns, data) => {
    checkClassic(insns);
    const result = runClassic(insns, data);
    const vector = {
      name: "any",
      language: "cbpf" as const,
      insns: encodeClassic(insns),
      flags: new Set<never>(),
      stackDepth: 0,
      expectedErrcode: 0,
      data,
      fragData: new Uint8Array(),
      runs: [{ dataSize: data.length, result }],
    };
    const { verdict, mismatches, findings } = runVector(vector, { file: "", line: 0 }, on);
    expect({ verdict, mismatches, findings }).toEqual({ verdict: "pass", mismatches: [], findings: [] });
  });
  fc.assert(property, { numRuns: on === "interpreter" ? 800 : 100, seed: 20261120 });
});
