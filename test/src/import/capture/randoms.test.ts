import { expect, test } from "vitest";
import { recoverRandoms } from "../../../../src/import/capture/randoms.ts";
import { openFixture } from "./fixtures.ts";

const randoms = (hex: string) => recoverRandoms(Buffer.from(hex.replaceAll(" ", ""), "hex"));

test.each([
  ["movq $-0x1543214, %r10; xorq $0x7caf0281, %r10", "49c7c2eccdabfe 4981f28102af7c", [0x7caf0281]],
  ["movl $.., %r10d; xorl $.., %r10d", "41ba11223344 4181f2efbeadde", [-0x21524111]],
  ["xor with a byte", "49c7c200000000 4983f2ff", [-1]],
  ["movabs", "49ba1122334455667788 4981f278563412", [0x12345678]],
  ["two, in order", "49c7c201000000 4981f202000000 90 49c7c203000000 4981f204000000", [2, 4]],
  ["something between", "49c7c201000000 90 4981f202000000", []],
  ["another register: r11", "49c7c301000000 4981f302000000", []],
  ["xor with a register", "49c7c201000000 4d31da", []],
  ["mov from memory", "4c8b5510 4981f202000000", []],
  ["nothing", "", []],
])("%s", (_, hex, expected) => {
  expect(randoms(hex)).toEqual(expected);
});

test("a hardened kernel's images give as many as it drew; the others' give none", () => {
  const drawn = (variant: string) => {
    const { records } = openFixture(variant).capture;
    const progs = records.filter(({ family }) => family === "ldimm64").flatMap((record) => record.progs);
    return progs.flatMap(({ funcs }) => funcs.map(({ hex }) => randoms(hex).length));
  };
  expect(Math.min(...drawn("x86_64-6.12-harden2"))).toBeGreaterThan(0);
  expect(Math.max(...drawn("x86_64-6.12-default"))).toBe(0);
});
