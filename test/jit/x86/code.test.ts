import { describe, expect, it } from "vitest";
import { FLOW_DIRECT, POKED } from "../../../bpf/image.ts";
import { Code } from "../../../jit/x86/code.ts";

const written = (c: Code): number[] => [...c.bytes.subarray(0, c.pos)];

describe("Code: the buffer of all passes", () => {
  it("numbers are little-endian, and cut to their width", () => {
    const c = new Code();
    c.insn();
    c.u8(0x1ff);
    c.u16(-2);
    c.u32(0x12345678);
    c.u32(-1);
    expect(written(c)).toEqual([0xff, 0xfe, 0xff, 0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff]);
  });

  it("grows when an instruction comes that may not fit, and keeps what is there", () => {
    const c = new Code();
    for (let i = 0; i < 10_000; i++) {
      c.insn();
      c.u32(i);
    }
    const view = new DataView(c.bytes.buffer);
    expect(c.pos).toBe(40_000);
    for (const i of [0, 1023, 1024, 9999]) expect(view.getUint32(4 * i, true)).toBe(i);
  });

  it("only the last pass is told about: starts, flags, notes", () => {
    const c = new Code();
    const pass = (final: boolean): void => {
      c.restart(final);
      c.insn();
      c.u8(0x90);
      c.note("a jump");
      c.insn(FLOW_DIRECT);
      c.u16(0xfeeb);
      c.mark(POKED);
    };
    pass(false);
    expect([c.pos, c.starts, c.flags, c.notes.size]).toEqual([3, [], [], 0]);
    pass(true);
    expect([c.pos, c.starts, c.flags]).toEqual([3, [0, 1], [0, FLOW_DIRECT | POKED]]);
    expect([...c.notes]).toEqual([[1, "a jump"]]);
    pass(true);
    expect(c.starts).toEqual([0, 1]);
  });
});
