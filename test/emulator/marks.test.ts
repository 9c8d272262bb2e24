import { describe, expect, test } from "vitest";
import { FLOW_CALL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RET, OWN_STORE, STACK_PUSH, STACK_UP } from "../../bpf/image.ts";
import {
  MARK_BY_DIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_INSN,
  MARK_OWN_STORE,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
} from "../../emulator/engine.ts";
import { jumpTarget, markOf, marksOf } from "../../emulator/marks.ts";

/** Marks by offset, of bytes that have one. */
function marks(lines: [hex: string, flags?: number][]): Record<number, number> {
  const parts = lines.map(([hex]) => Buffer.from(hex.replaceAll(" ", ""), "hex"));
  const starts = parts.map((_, i) => parts.slice(0, i).reduce((sum, part) => sum + part.length, 0));
  const all = marksOf({ bytes: Buffer.concat(parts), starts, flags: lines.map(([, flags]) => flags ?? 0) });
  return Object.fromEntries([...all.entries()].filter(([, mark]) => mark));
}

test.each<[name: string, flags: number, mark: number]>([
  ["anything", 0, 0],
  ["a direct jump", FLOW_DIRECT, MARK_DIRECT],
  ["a call", FLOW_DIRECT | FLOW_CALL | STACK_PUSH, MARK_DIRECT | MARK_PUSH],
  ["an indirect jump", FLOW_INDIRECT, MARK_INDIRECT],
  ["a return", FLOW_RET | STACK_UP, MARK_RET | MARK_SP_UP],
  ["a push", STACK_PUSH, MARK_PUSH],
  ["a pop", STACK_UP, MARK_SP_UP],
  ["the JIT's store of the count", OWN_STORE, MARK_OWN_STORE],
])("%s is marked for what it does", (_, flags, mark) => {
  expect(markOf(flags)).toBe(MARK_INSN | mark);
});

describe("marks of code", () => {
  test("only the first byte of an instruction has one", () => {
    expect(marks([["0f1f440000"], ["c3", FLOW_RET]])).toEqual({ 0: MARK_INSN, 5: MARK_INSN | MARK_RET });
  });

  test("a direct jump may arrive at its target, forwards and backwards", () => {
    expect(marks([["90"], ["eb01", FLOW_DIRECT], ["90"], ["75fa", FLOW_DIRECT]])).toEqual({
      0: MARK_INSN | MARK_BY_DIRECT,
      1: MARK_INSN | MARK_DIRECT,
      3: MARK_INSN,
      4: MARK_INSN | MARK_DIRECT | MARK_BY_DIRECT,
    });
  });

  test("a return may arrive behind a call", () => {
    const { 5: behind } = marks([
      ["e8 00 10 00 00", FLOW_DIRECT | FLOW_CALL],
      ["c3", FLOW_RET],
    ]);
    expect(behind).toBe(MARK_INSN | MARK_RET | MARK_BY_RET);
  });

  test("a target inside an instruction stays none of its starts", () => {
    const { 3: inside } = marks([["eb01", FLOW_DIRECT], ["0f1f00"]]);
    expect(inside & MARK_INSN).toBe(0);
  });

  test("jumps out of the code mark nothing", () => {
    expect(
      marks([
        ["eb10", FLOW_DIRECT],
        ["ebf0", FLOW_DIRECT],
      ]),
    ).toEqual({
      0: MARK_INSN | MARK_DIRECT,
      2: MARK_INSN | MARK_DIRECT,
    });
  });
});

test.each<[text: string, hex: string, target: number | undefined]>([
  ["jmp rel32", "e900010000", 5 + 0x100],
  ["call rel32, backwards", "e8fbffffff", 0],
  ["jmp rel8", "eb7f", 2 + 127],
  ["jae rel8, backwards", "7380", 2 - 128],
  ["jne rel32", "0f8500000100", 6 + 0x10000],
  ["nop5 of a patch site", "0f1f440000", undefined],
  ["jmp rcx", "ffe1", undefined],
  ["setne al", "0f95c0", undefined],
])("%s goes to", (_, hex, target) => {
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  expect(jumpTarget(bytes, 0, bytes.length)).toBe(target);
});
