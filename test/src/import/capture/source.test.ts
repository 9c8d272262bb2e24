import { expect, test } from "vitest";
import type { ProgramsRecord } from "../../../../src/import/capture/format.ts";
import { sourceSet } from "../../../../src/import/capture/source.ts";

const record: ProgramsRecord = {
  set: "made.up",
  family: "made",
  maps: [{ name: "v", type: 2, key: 4, value: 16, max: 3 }],
  progs: [
    {
      name: "main",
      type: 3,
      // r1 = v[0]+8 ll; call kfunc; r0 = *(u8 *)(r1 + 0); exit
      insns: "182100000000000000000000080000008500000000000000711000000000000095000000000000 00".replace(" ", ""),
      relocs: [
        { insn: 0, map: "v", kind: "value", off: 1 },
        { insn: 2, kfunc: "bpf_throw" },
        { insn: 3, field_offset: "sk_buff.len" },
      ],
      btf_funcs: [
        { name: "main", insn: 0 },
        { name: "f", insn: 3, nargs: 2 },
        { name: "g", insn: 4, nargs: -1 },
      ],
    },
    { name: "fx", type: 26, insns: "9500000000000000", attach: { type: "fexit", prog: "main", func: 1 } },
  ],
  slots: [{ map: "v", idx: 2, prog: "main" }],
};

test("a record's set in the terms of the program model", () => {
  const { name, maps, programs, slots } = sourceSet(record);
  expect([name, maps, slots]).toEqual([
    "made.up",
    [{ name: "v", type: 2, keySize: 4, valueSize: 16, maxEntries: 3 }],
    [{ map: "v", index: 2, prog: "main" }],
  ]);
  const [main, fx] = programs;
  expect(main.insns).toHaveLength(5);
  expect(main.insns[3]).toEqual({ code: 0x71, dst: 0, src: 1, off: 0, imm: 0 });
  expect(main.relocs).toEqual([
    // the second half's imm (8) counts, whatever the record's off says: it is what the kernel saw
    { insn: 0, kind: "value", map: "v", off: 8 },
    { insn: 2, kind: "kfunc", name: "bpf_throw" },
    { insn: 3, kind: "field", field: "sk_buff.len" },
  ]);
  // no nargs, or -1: int f(struct __sk_buff *)
  expect(main.functions).toEqual([
    { name: "main", start: 0 },
    { name: "f", start: 3, nargs: 2 },
    { name: "g", start: 4 },
  ]);
  expect(fx).toMatchObject({ relocs: [], functions: [], attach: { type: "fexit", prog: "main", func: 1 } });
});
