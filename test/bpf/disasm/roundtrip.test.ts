import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { disassemble, listing } from "../../../bpf/disasm/disassemble.ts";
import { decodeInsns, encodeInsns, type Insn } from "../../../bpf/insn.ts";
import { anyInsn, validInsns } from "../arbitraries.ts";

const toText = (insns: readonly Insn[]): string => disassemble(insns).join("\n");

describe("slots -> text -> slots", () => {
  test("any bytes, text for text", () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((data) => data.subarray(0, data.length & ~7));
    fc.assert(
      fc.property(bytes, (data) => void expect(encodeInsns(assemble(toText(decodeInsns(data))).insns)).toEqual(data)),
      { numRuns: 2000 },
    );
  });

  test("any slots that come close to instructions", () => {
    fc.assert(
      fc.property(
        fc.array(anyInsn, { maxLength: 20 }),
        (insns) => void expect(assemble(toText(insns)).insns).toEqual(insns),
      ),
      { numRuns: 2000 },
    );
  });

  test("with labels for all targets", () => {
    fc.assert(
      fc.property(
        fc.array(anyInsn, { maxLength: 20 }),
        (insns) => void expect(assemble(listing(insns)).insns).toEqual(insns),
      ),
      { numRuns: 2000 },
    );
  });

  test("every code byte, with all fields set or clear", () => {
    for (let code = 0; code < 256; code++) {
      for (const fill of [0, 1, 8, -1]) {
        const insn = { code, dst: fill & 15, src: fill & 15, off: fill, imm: fill };
        expect(assemble(toText([insn])).insns).toEqual([insn]);
      }
    }
  });
});

describe("text -> slots -> text", () => {
  test("valid instructions come out as they went in, and none as .8byte", () => {
    fc.assert(
      fc.property(validInsns, (insns) => {
        const text = toText(insns);
        expect(text).not.toContain(".8byte");
        expect(toText(assemble(text).insns)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});
