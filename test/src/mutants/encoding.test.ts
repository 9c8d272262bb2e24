import { describe, expect, test } from "vitest";
import { encodingOf } from "../../../src/mutants/encoding.ts";

const parts = (hex: string) => {
  const { bytes: _, ...of } = encodingOf(Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex")))!;
  return of;
};

describe("the parts of an instruction", () => {
  test("of registers and memory: REX, ModRM, displacement", () => {
    expect(parts("48 8b 85 f0 ff ff ff")).toEqual({
      prefixes: [],
      rex: 0,
      opcode: 1,
      map: 0,
      modrm: 2,
      disp: { at: 3, bytes: 4 },
    });
  });

  test("of an index: SIB", () => {
    expect(parts("48 8b 8c d6 10 01 00 00")).toMatchObject({ modrm: 2, sib: 3, disp: { at: 4, bytes: 4 } });
  });

  test("of an immediate, as long as opcode, prefix and REX.W make it", () => {
    expect(parts("83 f8 21").imm).toEqual({ at: 2, bytes: 1 });
    expect(parts("48 81 ec 00 02 00 00").imm).toEqual({ at: 3, bytes: 4 });
    expect(parts("66 c7 45 f8 34 12").imm).toEqual({ at: 4, bytes: 2 });
    expect(parts("48 be 00 10 00 00 81 88 ff ff").imm).toEqual({ at: 2, bytes: 8 });
    expect(parts("f7 c7 10 00 00 00").imm, "test").toEqual({ at: 2, bytes: 4 });
    expect(parts("f7 df").imm, "neg").toBeUndefined();
  });

  test("of a jump", () => {
    expect(parts("73 12").rel).toEqual({ at: 1, bytes: 1 });
    expect(parts("0f 84 00 01 00 00").rel).toEqual({ at: 2, bytes: 4 });
  });

  test("of BMI2, lock and gs", () => {
    expect(parts("c4 e2 f9 f7 c0")).toMatchObject({ vex: 1, opcode: 3, modrm: 4 });
    expect(parts("f0 48 0f c1 7b 00")).toMatchObject({ prefixes: [0], rex: 1, map: 0x0f, modrm: 4 });
    expect(parts("65 48 03 04 25 18 9a 01 00")).toMatchObject({ prefixes: [0], sib: 4, disp: { at: 5, bytes: 4 } });
  });

  test("bytes that are left over: it is none", () => {
    expect(encodingOf(Uint8Array.of(0x55, 0x55))).toBeUndefined();
  });
});
