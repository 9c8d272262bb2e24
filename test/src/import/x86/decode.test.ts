import { describe, expect, test } from "vitest";
import * as I from "../../../../bpf/image.ts";
import { compileCaptured } from "../../../../src/import/capture/compile.ts";
import { sourceSet } from "../../../../src/import/capture/source.ts";
import { decodeTable } from "../../../../src/import/x86/decode.ts";
import { openFixture, setOf } from "../capture/fixtures.ts";

const decode = (hex: string) => decodeTable(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("what an instruction does to control and stack", () => {
  test.each([
    ["mov rax, [rbp-8]", "488b45f8", 0],
    ["jmp rel8", "eb00", I.FLOW_DIRECT],
    ["jne rel32", "0f8500000000", I.FLOW_DIRECT],
    ["call rel32", "e800000000", I.FLOW_DIRECT | I.FLOW_CALL | I.STACK_PUSH],
    ["call rax", "ffd0", I.FLOW_INDIRECT | I.FLOW_CALL | I.STACK_PUSH],
    ["jmp rcx", "ffe1", I.FLOW_INDIRECT],
    ["ret", "c3", I.FLOW_RET | I.STACK_UP],
    ["push rbp", "55", I.STACK_PUSH],
    ["pop r15", "415f", I.STACK_UP],
    ["leave", "c9", I.STACK_UP],
    ["add rsp, 8", "4883c408", I.STACK_UP],
    ["sub rsp, 8", "4883ec08", 0],
    ["mov rsp, rbp", "4889ec", I.STACK_UP],
    ["mov rbp, rsp", "4889e5", 0],
    ["lea rsp, [rbp-8]", "488d65f8", I.STACK_UP],
    ["add qword [rax], 1", "48830001", I.OWN_STORE],
    ["add qword [rbx], 1", "48830301", 0],
  ])("%s", (_, hex, flags) => {
    expect(decode(hex)).toEqual({ starts: [0], flags: [flags] });
  });

  test("the count of tail calls on a kernel before 6.12: mov [rbp-x], eax right behind add eax, 1", () => {
    expect(decode("83c001 8985fcffffff").flags).toEqual([0, I.OWN_STORE]);
    expect(decode("83c002 8985fcffffff").flags).toEqual([0, 0]);
  });

  test("decoding ends at a byte that is no instruction, and at one that is cut off", () => {
    expect(decode("90 06 c3")).toEqual({ starts: [0], flags: [0], bad: 1 });
    expect(decode("90 e8 00")).toEqual({ starts: [0], flags: [0], bad: 1 });
    expect(decode("")).toEqual({ starts: [], flags: [] });
  });
});

test.each(["x86_64-6.1-zen2", "x86_64-6.12-harden2", "x86_64-6.12-stuff", "x86_64-7.2-default"])(
  "%s: the decoder says of every image what the JIT said when it wrote it",
  (variant) => {
    const opened = openFixture(variant);
    const sets = opened.capture.records.filter((_, index) => index % 8 === 0);
    for (const { set } of sets) {
      const { record, source } = setOf(opened, set);
      record.progs.forEach((_, index) => {
        for (const image of compileCaptured(opened.kernel, sourceSet(source), record, index).images) {
          const { starts, flags } = image;
          // which jumps and nops the kernel rewrites later cannot be seen in the bytes
          expect(decodeTable(image.bytes)).toEqual({ starts, flags: flags.map((flag) => flag & ~I.POKED) });
        }
      });
    }
  },
);
