import { describe, expect, it } from "vitest";
import { Code } from "../../../../jit/x86/code.ts";
import * as encode from "../../../../jit/x86/encode/rex.ts";
import { REGISTER } from "./operands.ts";

const RSP = 4;
const RBP = 5;
const R12 = 12;
const R13 = 13;

const bytesOf = (emit: (c: Code) => void): number[] => {
  const c = new Code();
  emit(c);
  return [...c.bytes.subarray(0, c.pos)];
};

describe("encode/rex: 0100WRXB, ModRM and SIB bit by bit", () => {
  it("rexBits: the fourth bit of each register, in its own place", () => {
    const high = (n: number): number => (n > 7 ? 1 : 0);
    const all = REGISTER.edges;
    const triples = all.flatMap((reg) => all.flatMap((index) => all.map((base) => [reg, index, base])));
    for (const w of [0, 1])
      expect(triples.map(([reg, index, base]) => encode.rexBits(w === 1, reg, index, base))).toEqual(
        triples.map(([reg, index, base]) => Number.parseInt(`0100${w}${high(reg)}${high(index)}${high(base)}`, 2)),
      );
  });

  it("rex: left out where it says nothing", () => {
    expect(bytesOf((c) => encode.rex(c, false, 7, 0))).toEqual([]);
    expect(bytesOf((c) => encode.rex(c, true, 0, 0))).toEqual([0x48]);
    expect(bytesOf((c) => encode.rex(c, false, 8, 0))).toEqual([0x44]);
    expect(bytesOf((c) => encode.rex(c, false, 0, 8))).toEqual([0x41]);
  });

  it("isImm8: -128 to 127", () => {
    expect([-129, -128, 127, 128].map(encode.isImm8)).toEqual([false, true, true, false]);
  });

  it("modRegs: mod 11", () => {
    expect(bytesOf((c) => encode.modRegs(c, R12, R13))).toEqual([0b11_100_101]);
  });

  it("modMem: rbp and r13 need the displacement that all others have, too", () => {
    expect(bytesOf((c) => encode.modMem(c, 0, 7, 0))).toEqual([0b01_000_111, 0]);
    expect(bytesOf((c) => encode.modMem(c, 0, RBP, 0))).toEqual([0b01_000_101, 0]);
    expect(bytesOf((c) => encode.modMem(c, 0, R13, -129))).toEqual([0b10_000_101, 0x7f, 0xff, 0xff, 0xff]);
  });

  it("modIndexed: rm 100 announces SIB; rsp and r12 are bases like any other there", () => {
    expect(bytesOf((c) => encode.modIndexed(c, 0, RSP, R12, 8))).toEqual([0b01_000_100, 0b00_100_100, 8]);
    expect(bytesOf((c) => encode.modIndexed(c, 0, R12, 0, 128))).toEqual([0b10_000_100, 0b00_000_100, 128, 0, 0, 0]);
  });
});
