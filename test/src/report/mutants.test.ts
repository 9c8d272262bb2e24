import { expect, test } from "vitest";
import type { MutantResult } from "../../../src/mutants/mutant.ts";
import { mutantsJson, mutantsText } from "../../../src/report/mutants.ts";

const plain = (text: string) => text;
const colors = { red: plain, green: plain, yellow: plain, bold: plain, dim: plain, inverse: plain };
const mutant = {
  profile: "linux-6.12",
  site: "add64 imm: addq $N, r64 (83)",
  sample: {
    scenario: "a/b",
    function: "entry",
    offset: 20,
    before: ["4883c001", "addq $0x1, %rax"],
    after: ["4883e801", "subq $0x1, %rax"],
  },
} satisfies Partial<MutantResult>;
const results: MutantResult[] = [
  { ...mutant, operator: "lost", verdict: "killed", killedBy: "a/b" },
  { ...mutant, operator: "imm + 1", verdict: "equivalent", reason: "x" },
  { ...mutant, operator: "sub for add", verdict: "survived", notice: "an operand", reachedBy: ["a/b"] },
];

test("survivors with bytes, emitter and what is missing; equivalent ones don't count in the score", () => {
  const text = mutantsText(results, { write: () => {}, colors, elapsed: () => 1500, width: 80 });
  expect(text.split("\n")).toEqual([
    "✗ add64 imm: addq $N, r64 (83) · sub for add  linux-6.12",
    "    emitter  jit/x86/lower/alu.ts",
    "    at       entry+0x14 in a/b",
    "    before   48 83 c0 01  addq $0x1, %rax",
    "    after    48 83 e8 01  subq $0x1, %rax",
    "    missing  a scenario that depends on an operand; a/b executes it without",
    "linux-6.12  1 of 2 killed, 50.0 %",
    "3 mutants: 1 killed, 1 survived, 1 equivalent in 1.5 s",
    "",
  ]);
});

test("the JSON's summary counts each once", () => {
  expect(JSON.parse(mutantsJson(results, 7)).summary).toEqual({
    total: 3,
    equivalent: 1,
    killed: 1,
    survived: 1,
    ms: 7,
  });
});
