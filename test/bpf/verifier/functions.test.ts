import { expect, test } from "vitest";
import { functionStarts, linux6_12, VerifierError, verify } from "../../../bpf/verifier/index.ts";
import { program, xlate } from "./xlate.ts";

const CALLS_BACKWARDS = `
  main:
    call last
    call first
    exit
  first:
    r0 = 1
    exit
  last:
    r0 = 2
    exit`;

test("functions are slot 0 and whatever is called, in order of where they start", () => {
  expect(functionStarts(program(CALLS_BACKWARDS).insns)).toEqual([0, 3, 5]);
});

test("a function whose address is taken is a function too", () => {
  const text = `
    main:
      r2 = callback ll
      r0 = 0
      exit
    callback:
      r0 = 0
      exit`;
  expect(functionStarts(program(text).insns)).toEqual([0, 4]);
});

test("calls carry the callee's index, and functions their names", () => {
  const { insns, functions } = xlate(CALLS_BACKWARDS);
  expect(functions.map((f) => [f.name, f.start, f.insns])).toEqual([
    ["main", 0, 3],
    ["first", 3, 2],
    ["last", 5, 2],
  ]);
  expect(insns.slice(0, 2).map(({ imm, off }) => [imm, off])).toEqual([
    [2, 0],
    [1, 0],
  ]);
});

test("without func_info functions are f0, f1, ...", () => {
  const bare = { ...program(CALLS_BACKWARDS), functions: [] };
  expect(verify(bare, [], linux6_12).functions.map((f) => f.name)).toEqual(["f0", "f1", "f2"]);
});

test.each([
  [
    "a jump into another function",
    "main:\n call f\n goto +1\n exit\nf:\n r0 = 0\n exit",
    1,
    "jump out of range from insn 1 to 3",
  ],
  ["a function without an end", "r0 = 0\n r0 += 1", 1, "last insn is not an exit or jmp"],
  ["a slot that nothing leads to", "r0 = 0\n exit\n r0 = 1\n exit", 2, "unreachable insn 2"],
  ["a call outside of the program", "call pc+7\n exit", 0, "call to invalid destination insn 8"],
])("%s is turned down where it is", (_, text, slot, message) => {
  expect(() => xlate(text)).toThrow(VerifierError);
  expect(() => xlate(text)).toThrow(expect.objectContaining({ slot, message }));
});
