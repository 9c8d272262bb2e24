import { expect, test } from "vitest";
import { linux4_10, linux6_1, linux6_12, linux6_18, linux7_2 } from "../../../bpf/verifier/index.ts";
import { type Setting, xlate, xlatedText } from "./xlate.ts";

const body = (text: string, setting?: Setting) => xlatedText(text, setting).slice(1);

/** r6: a 64-bit value that nothing is known of. */
const UNKNOWN = `
      r6 = data[0] ll
      r6 = *(u64 *)(r6 + 0)`;

/** The branches that are left of a program that goes to "dead" from some. */
const branches = (text: string, setting?: Setting) =>
  body(`${UNKNOWN}\n r0 = 0\n ${text}\n out:\n r0 = 1\n exit\n dead:\n r0 = 2\n exit`, setting).filter((line) =>
    line.startsWith("if "),
  );
const keepsBranch = (text: string, setting?: Setting) => branches(text, setting).length > 0;

test("a branch that always goes one way becomes a jump, and what it skips is gone", () => {
  const text = `
      r0 = 0
      if r0 == 0 goto out
      r0 = 1
    out:
      r0 += 5
      exit`;
  expect(body(text)).toEqual(["r0 = 0", "r0 += 5", "exit"]);
});

test("before 5.1 dead code stays", () => {
  const text = "r0 = 0\n if r0 == 0 goto out\n r0 = 1\n out:\n exit";
  expect(body(text, { kernel: linux4_10 })).toContain("r0 = 1");
});

test("a function that is only called from dead code is gone", () => {
  const text = `
    main:
      r0 = 0
      if r0 == 0 goto out
      call f
    out:
      exit
    f:
      r0 = 0
      exit`;
  expect(xlate(text).functions.map((f) => [f.name, f.insns])).toEqual([["main", 2]]);
});

test("what one branch says about a register decides the next", () => {
  expect(branches("if r6 > 7 goto out\n if r6 > 9 goto dead")).toEqual(["if r6 > 7 goto L1"]);
  expect(branches("if r6 > 9 goto out\n if r6 > 7 goto dead")).toHaveLength(2);
  expect(branches("if w6 > 7 goto out\n if r6 > 9 goto dead")).toHaveLength(2);
});

test("a copy is narrowed with its source, through the stack too", () => {
  const copied = (copy: string) => `${copy}\n if r6 > 7 goto out\n if r7 > 9 goto dead`;
  expect(branches(copied("r7 = r6"))).toHaveLength(1);
  const spilled = "*(u64 *)(r10 - 8) = r6\n if r6 > 7 goto out\n r7 = *(u64 *)(r10 - 8)\n if r7 > 9 goto dead";
  expect(branches(spilled)).toHaveLength(1);
  // a copy that is off by a constant: 6.10
  const off = copied("r7 = r6\n r7 += 1");
  expect(branches(off, { kernel: linux6_12 })).toHaveLength(1);
  expect(branches(off, { kernel: linux6_1 })).toHaveLength(2);
});

test.each([
  [
    "two ranges that do not meet (6.8)",
    "r7 = r6\n r7 &= 3\n r8 = r6\n r8 &= 4\n r8 |= 8\n if r7 > r8 goto dead",
    [true, false, false, false],
  ],
  ["x == x (6.19)", "if r6 == r6 goto dead", [true, true, true, false]],
  ["-x (6.17)", "r6 &= 1\n r6 = -r6\n if r6 s> 0 goto dead", [true, true, false, false]],
  ["x / 8 (7.0)", "r6 &= 63\n r6 /= 8\n if r6 > 7 goto dead", [true, true, true, false]],
  ["bswap (7.0)", "r6 &= 255\n r6 = be16 r6\n w6 &= 255\n if r6 != 0 goto dead", [true, true, true, false]],
  ["bits that differ (6.18)", "r7 = r6\n r6 &= 2\n r7 |= 1\n if r6 == r7 goto dead", [true, true, false, false]],
] as const)("%s: since when it decides a branch", (_, text, keeps) => {
  const kernels = [linux6_1, linux6_12, linux6_18, linux7_2];
  expect(kernels.map((kernel) => keepsBranch(text, { kernel }))).toEqual(keeps);
});

test("from 7.1 on constants decide branches before anything else", () => {
  const text = `
      r1 = 5
      r0 = 0
      if w1 s> -1 goto out
      r0 = 1
    out:
      exit`;
  expect(body(text, { kernel: linux7_2 })).toEqual(["r1 = 5", "r0 = 0", "exit"]);
});

test("from 6.14 on an array lookup with a constant key in range is not NULL", () => {
  const checks = (key: number, kernel = linux6_18) =>
    branches(
      `*(u32 *)(r10 - 8) = ${key}
      r2 = r10
      r2 += -8
      r1 = array ll
      call bpf_map_lookup_elem
      if r0 == 0 goto dead
      r6 = *(u64 *)(r0 + 0)`,
      { kernel },
    ).filter((line) => line.startsWith("if r0 ==")).length;
  expect(checks(3)).toBe(0);
  expect(checks(4)).toBe(1);
  expect(checks(3, linux6_12)).toBe(1);
});

test("a jump to the next instruction goes; from 6.14 on may_goto too, and the one before that came to nothing with it", () => {
  const text = "r0 = 0\n goto +0\n may_goto +1\n may_goto +0\n exit";
  expect(body(text, { kernel: linux6_18 })).toEqual(["r0 = 0", "exit"]);
  expect(xlate(text, { kernel: linux6_12 }).insns).toHaveLength(1 + 1 + 4 + 4 + 1);
});
