import { describe, expect, test } from "vitest";
import type { Step } from "../../../../src/report/html/page/data.ts";
import { MachineState } from "../../../../src/report/html/page/machine-state.ts";

const RSP = 4;

/** The state behind some steps; the stack pointer starts at 0x1000. */
function behind(...steps: Omit<Step, "i">[]): MachineState {
  const state = new MachineState();
  state.apply({ i: 0, s: { task: 0, r: { [RSP]: "1000" } } });
  for (const step of steps) state.apply({ i: 0, ...step });
  return state;
}

const word = (state: MachineState, address: bigint) => state.words.get(address);

describe("the state that the page's slider shows", () => {
  test("a register keeps its value until a step changes it", () => {
    expect(behind({ r: { 0: "5" } }, { r: { 1: "7 &ctx" } }).regs.slice(0, 2)).toEqual(["5", "7 &ctx"]);
  });

  test("a byte that is written changes that byte of its quadword, little endian", () => {
    const state = behind({ w: [["ff8", 8, "1122334455667788"]] }, { w: [["ff9", 1, "aa", "tcc+1"]] });
    expect(word(state, 0xff8n)?.value).toBe("112233445566aa88");
  });

  test("a quadword that is written across two changes a part of both", () => {
    const state = behind({ w: [["ffc", 8, "1122334455667788"]] });
    expect([word(state, 0xff8n)?.value, word(state, 0x1000n)?.value]).toEqual(["5566778800000000", "11223344"]);
  });

  test("a call makes a frame at the stack pointer, which a tail call takes over and the return ends", () => {
    const call: Omit<Step, "i"> = { a: ["call", "main"] };
    expect(behind(call).frames).toEqual([{ name: "main", top: 0x1000n }]);
    const inner = [call, { r: { [RSP]: "fe0" } }, { a: ["call", "sub"] }] satisfies Omit<Step, "i">[];
    expect(behind(...inner).frames.map(({ name }) => name)).toEqual(["main", "sub"]);
    expect(behind(...inner, { a: ["tail-call", "other", 1] }).frames[1]).toEqual({ name: "other", top: 0xfe0n });
    expect(behind(...inner, { r: { [RSP]: "fe8" } }, {}).frames.map(({ name }) => name)).toEqual(["main"]);
  });

  test("another task has frames of its own", () => {
    const state = behind({ a: ["call", "main"] }, { s: { task: 1, r: { [RSP]: "800" } }, a: ["call", "visitor"] });
    expect(state.frames.map(({ name }) => name)).toEqual(["visitor"]);
    state.apply({ i: 0, s: { task: 0, r: { [RSP]: "1000" } } });
    expect(state.frames.map(({ name }) => name)).toEqual(["main"]);
  });

  test("behind a gap all is as its snapshot says; what lay below the stack pointer is forgotten", () => {
    const before = behind(
      { a: ["call", "main"] },
      {
        w: [
          ["ff8", 8, "9", "rbp"],
          ["f00", 8, "8"],
        ],
        r: { [RSP]: "ff8" },
      },
    );
    const state = new MachineState();
    state.apply({ gap: 3, ...before.snapshot() });
    expect([state.frames, state.regs, state.words]).toEqual([
      before.frames,
      before.regs,
      new Map([[0xff8n, { value: "9", place: "rbp" }]]),
    ]);
  });
});
