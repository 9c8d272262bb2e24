import { expect, test } from "vitest";
import { linux5_4, linux6_12 } from "../../../bpf/verifier/index.ts";
import { type Setting, xlate, xlatedText } from "./xlate.ts";

const pokes = (text: string, setting?: Setting) => xlate(text, setting).pokes.map(({ map, key }) => `${map}[${key}]`);

const CONSTANT = `
      r2 = jmp_table ll
      r3 = 1
      call bpf_tail_call
      r0 = 0
      exit`;

test("a constant index makes the call direct", () => {
  expect(xlatedText(CONSTANT)).toContain("tail_call poke[0]");
  expect(xlate(CONSTANT).pokes).toEqual([{ insn: 3, map: "jmp_table", key: 1 }]);
});

test("constant blinding and kernels before 5.5 leave it indirect", () => {
  const blinding = { ...linux6_12, options: { ...linux6_12.options, blinding: true } };
  expect(pokes(CONSTANT, { kernel: blinding })).toEqual([]);
  expect(pokes(CONSTANT, { kernel: linux5_4 })).toEqual([]);
});

/** r3 is `a` on one path and `b` on the other. */
const merged = (a: string, b: string) => `
      r4 = data[0] ll
      r4 = *(u64 *)(r4 + 0)
      r2 = jmp_table ll
      if r4 == 0 goto other
      ${a}
      goto tail
    other:
      ${b}
    tail:
      call bpf_tail_call
      r0 = 0
      exit`;

test("two paths with the same constant keep it", () => {
  expect(pokes(merged("r3 = 1", "r3 = 1"))).toEqual(["jmp_table[1]"]);
});

test("two constants, or two maps, poison the call", () => {
  expect(pokes(merged("r3 = 1", "r3 = 0"))).toEqual([]);
  expect(pokes(merged("r3 = 1", "r3 = 1\n r2 = jmp_table2 ll"))).toEqual([]);
});

test("an index that is out of range, or only known as a range, is no constant", () => {
  expect(pokes(CONSTANT.replace("r3 = 1", "r3 = 2"))).toEqual([]);
  expect(pokes(merged("r3 = r4\n r3 &= 1", "r3 = r4\n r3 &= 1"))).toEqual([]);
});

test("an index that comparison narrows to one value is a constant", () => {
  const text = `
      r3 = data[0] ll
      r3 = *(u64 *)(r3 + 0)
      r0 = 0
      if r3 != 1 goto out
      r2 = jmp_table ll
      call bpf_tail_call
    out:
      r0 = 0
      exit`;
  expect(pokes(text)).toEqual(["jmp_table[1]"]);
});

test("without bypass_spec_v1 the index is masked", () => {
  const masked = { ...linux6_12, options: { ...linux6_12.options, bypassSpecV1: false } };
  expect(xlatedText(CONSTANT, { kernel: masked }).slice(1)).toEqual([
    "r2 = jmp_table ll",
    "r3 = 1",
    "if r3 >= 2 goto L1",
    "w3 &= 1",
    "tail_call",
    "L1:",
    "r0 = 0",
    "exit",
  ]);
});
