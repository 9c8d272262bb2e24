import { describe, expect, test } from "vitest";
import { Btf } from "../../../bpf/btf/btf.ts";
import { layoutsOf } from "../../../bpf/btf/layout.ts";
import { buildBtf } from "./builder.ts";

const btf = new Btf(
  buildBtf([
    { int: "int", size: 4, signed: true }, // 1
    { int: "char", size: 1 }, // 2
    { ptr: 1 }, // 3
    { array: 1, count: 5 }, // 4
    { const: 4 }, // 5
    { typedef: "five", type: 5 }, // 6
    {
      union: "",
      size: 4,
      members: [
        ["inner", 1, 0],
        ["byte", 2, 0],
      ],
    }, // 7
    // struct outer { int *p; union { int inner; char byte; }; int flag : 3; five f; }
    {
      struct: "outer",
      size: 36,
      members: [
        ["p", 3, 0],
        ["", 7, 64],
        ["flag", 1, 96, 3],
        ["f", 6, 128],
      ],
    }, // 8
    {
      enum: "sign",
      size: 4,
      signed: true,
      values: [
        ["MINUS", -1],
        ["PLUS", 1],
      ],
    }, // 9
    { enum64: "wide", values: [["BIG", 0x1_0000_0002n]] }, // 10
    { proto: 1, params: [["ctx", 3]] }, // 11
    { func: "prog", type: 11 }, // 12
    { var: "count", type: 1 }, // 13
    { datasec: ".bss", vars: [[13, 0, 4]] }, // 14
  ]),
);

describe("types", () => {
  test("of every kind", () => {
    expect(btf.count).toBe(14);
    expect(btf.type(0)).toEqual({ kind: "void", name: "" });
    expect(btf.type(1)).toMatchObject({ kind: "int", name: "int", size: 4, signed: true });
    expect(btf.type(3)).toEqual({ kind: "ptr", name: "", type: 1 });
    expect(btf.type(4)).toEqual({ kind: "array", name: "", type: 1, index: 1, count: 5 });
    expect(btf.type(9)).toMatchObject({
      values: [
        { name: "MINUS", value: -1n },
        { name: "PLUS", value: 1n },
      ],
    });
    expect(btf.type(10)).toMatchObject({ kind: "enum64", values: [{ name: "BIG", value: 0x1_0000_0002n }] });
    expect(btf.type(11)).toEqual({ kind: "func_proto", name: "", type: 1, params: [{ name: "ctx", type: 3 }] });
    expect(btf.type(12)).toEqual({ kind: "func", name: "prog", type: 11, linkage: 1 });
    expect(btf.type(14)).toMatchObject({ kind: "datasec", vars: [{ type: 13, offset: 0, size: 4 }] });
  });

  test("a bit field has a width, other members have none", () => {
    const outer = btf.type(8);
    expect(
      outer.kind === "struct" && outer.members.map(({ name, bitOffset, bits }) => [name, bitOffset, bits]),
    ).toEqual([
      ["p", 0, 0],
      ["", 64, 0],
      ["flag", 96, 3],
      ["f", 128, 0],
    ]);
  });

  test("sizes, through names and dimensions; what has none", () => {
    expect([1, 3, 4, 6, 8, 13].map((id) => btf.sizeOf(id))).toEqual([4, 8, 20, 20, 36, 4]);
    expect([0, 11, 12].map((id) => btf.sizeOf(id))).toEqual([undefined, undefined, undefined]);
  });

  test("are found by name and kind", () => {
    expect(btf.find("outer", "struct")).toEqual([8]);
    expect(btf.find("outer", "union")).toEqual([]);
    expect(btf.plain(6)).toMatchObject({ kind: "array" });
  });
});

test("a kernel's layouts: places of the members that are asked for, those of nameless unions too", () => {
  const wanted = {
    outer: { size: 0, members: { p: 0, byte: 0, flag: "bit0:1", gone: 4 } },
    other: { size: 8, members: {} },
  };
  expect(layoutsOf(btf, wanted)).toEqual({
    structs: { outer: { size: 36, members: { p: 0, byte: 8, flag: "bit96:3" } } },
    missing: ["outer.gone", "other"],
  });
});

describe("what is no BTF", () => {
  const bytes = buildBtf([
    { int: "int", size: 4 },
    { typedef: "loop", type: 2 },
  ]);
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  test.each([
    ["an empty file", new Uint8Array(), "BTF: is cut short: expected 2 more bytes, it has 0 in all (at byte 0)"],
    ["another file", Buffer.from("\x7fELF.."), "BTF: expected BTF, which begins with 9f eb; found 7f 45 (at byte 0)"],
    ["big-endian", Buffer.from([0xeb, 0x9f, 1, 0]), "BTF: is big-endian; expected little-endian"],
    ["cut short", bytes.subarray(0, 30), "BTF: is cut short: expected 28 more bytes, it has 30 in all (at byte 24)"],
    ["a kind that nobody knows", changed(28, 31 << 24), "BTF, types: unknown kind 31 of type (at byte 0)"],
    ["a type longer than the rest", changed(28, (4 << 24) | 99), "BTF, types: is cut short: expected 1200 more bytes"],
  ])("%s", (_, input, message) => {
    expect(() => new Btf(input)).toThrow(message);
  });

  test("a name beyond the end, a type that is not there, a name of itself", () => {
    expect(() => new Btf(changed(24, 999)).type(1)).toThrow("BTF, strings: is cut short");
    expect(() => new Btf(bytes).type(3)).toThrow("BTF, types: there is no type 3, the last is 2");
    expect(() => new Btf(bytes).strip(2)).toThrow("BTF, types: type 2 is a chain of more than 32 names");
  });
});
