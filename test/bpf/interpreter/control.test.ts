import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import { type HelperTable, type Runnable, UnknownHelper } from "../../../bpf/interpreter/runnable.ts";
import { FlatMemory, MemoryFault } from "../../../bpf/memory.ts";
import { CONTEXT, faultOf, r0, run } from "./machine.ts";

describe("jumps", () => {
  test.each([
    ["r0 = 1 | goto +1 | r0 = 2 | exit", 1n],
    ["r0 = 1 | gotol +1 | r0 = 2 | exit", 1n],
    ["r0 = 3 | r1 = 4 | 1: r0 += 10 | r1 -= 1 | if r1 != 0 goto 1b | exit", 43n],
    ["r0 = 0 | r1 = -1 | if r1 > 5 goto +1 | r0 = 9 | exit", 0n],
    ["r0 = 0 | r1 = -1 | if r1 s> 5 goto +1 | r0 = 9 | exit", 9n],
    ["r0 = 0 | r1 = 0x100000000 ll | if w1 == 0 goto +1 | r0 = 9 | exit", 0n], // JMP32 looks at the low half
    ["r0 = 0 | r1 = -1 | if r1 == -1 goto +1 | r0 = 9 | exit", 0n], // the immediate is sign-extended
    ["r1 = out ll | r0 = 1 | gotox r1 | r0 = 2 | out: exit", 1n],
  ])("%s -> %i", (text, result) => expect(r0(text)).toBe(result));

  test("may_goto lets a function pass as often as it may, and then jumps", () => {
    expect(r0("r0 = 0 | 1: may_goto +2 | r0 += 1 | goto 1b | exit", { mayGoto: 5 })).toBe(5n);
    // each call counts anew
    const twice = "call f | r6 = r0 | call f | r0 += r6 | exit | f: r0 = 0 | 1: may_goto +2 | r0 += 1 | goto 1b | exit";
    expect(r0(twice, { mayGoto: 5 })).toBe(10n);
  });
});

describe("calls", () => {
  test("R1 to R5 are arguments, R6 to R9 and R10 are the caller's again afterwards", () => {
    const text = `r6 = 6 | r9 = 9 | r1 = 1 | r2 = 2 | r3 = 3 | r4 = 4 | r5 = 5 | r7 = r10 | call sum
      r7 -= r10 | r0 += r6 | r0 += r9 | r0 += r7 | exit
      sum: r0 = r1 | r0 += r2 | r0 += r3 | r0 += r4 | r0 += r5 | r6 = 100 | r9 = 100 | r7 = 1 | exit`;
    expect(r0(text)).toBe(30n);
  });

  test("each frame has 512 bytes, below its caller's", () => {
    expect(r0("r1 = r10 | call f | exit | f: r0 = r1 | r0 -= r10 | exit")).toBe(512n);
    const text = "*(u64 *)(r10 - 512) = 7 | call f | r0 = *(u64 *)(r10 - 512) | exit | f: *(u64 *)(r10 - 8) = 1 | exit";
    expect(r0(text)).toBe(7n);
  });

  test("calls nest 8 deep", () => {
    expect(r0("r1 = 7 | call f | exit | f: r0 = 1 | if r1 == 1 goto +3 | r1 -= 1 | call f | r0 += 1 | exit")).toBe(7n);
    expect(faultOf("f: call f | exit")).toBe("depth: calls nested deeper than 8 @0");
  });

  test("helpers get R1 to R5, and their result is R0", () => {
    const calls: unknown[] = [];
    const helpers: HelperTable = {
      call: (helper, args) => {
        calls.push([helper, ...args]);
        return -1n;
      },
    };
    expect(r0("r1 = 1 | r2 = 2 | r3 = 3 | r4 = 4 | r5 = -1 | call bpf_ktime_get_ns | exit", { helpers })).toBe(
      2n ** 64n - 1n,
    );
    expect(calls).toEqual([[5, 1n, 2n, 3n, 4n, 2n ** 64n - 1n]]);
  });

  test("a helper that is missing, or reads where nothing is, is the program's fault", () => {
    const unknown: HelperTable = {
      call: (helper) => {
        throw new UnknownHelper(helper);
      },
    };
    expect(faultOf("r0 = 0 | call 1 | exit", { helpers: unknown })).toBe("helper: there is no helper 1 @1");
    expect(faultOf("call 1 | exit")).toBe("helper: a call of 1, and there are no helpers @0");
    const reads: HelperTable = {
      call: (_, [address]) => {
        throw new MemoryFault(address, 8, "read");
      },
    };
    expect(faultOf("r1 = 16 | call 1 | exit", { helpers: reads })).toBe(
      "memory: read of 8 bytes at 0x10, where nothing is mapped @1",
    );
  });
});

describe("helpers that call back", () => {
  /** bpf_loop(count, callback(index, context), context), number 181 */
  const helpers: HelperTable = {
    *call(_, [count, callback, context]) {
      for (let i = 0n; i < count; i++) if (yield { call: callback, args: [i, context] }) return i + 1n;
      return count;
    },
  };

  test("the callback gets its arguments in a frame of its own, and the caller its registers back", () => {
    const text = `r1 = 4 | r2 = add ll | r3 = r10 | r3 += -8 | *(u64 *)(r10 - 8) = 100 | r6 = 1 | call bpf_loop
      r7 = *(u64 *)(r10 - 8) | r0 += r7 | r0 += r6 | exit
      add: r6 = *(u64 *)(r2 + 0) | r6 += r1 | *(u64 *)(r2 + 0) = r6 | *(u64 *)(r10 - 8) = 0 | r0 = 0 | exit`;
    expect(r0(text, { helpers })).toBe(4n + 106n + 1n);
  });

  test("a callback's result can stop it", () => {
    const text = "r1 = 100 | r2 = f ll | call bpf_loop | exit | f: r0 = 0 | if r1 < 2 goto +1 | r0 = 1 | exit";
    expect(r0(text, { helpers })).toBe(3n);
  });

  test("an address that is no function's is a jump out of the program", () => {
    expect(faultOf("r1 = 1 | r2 = 5 | call bpf_loop | exit", { helpers })).toMatch(/^jump: control left the program/);
  });
});

describe("bpf_throw", () => {
  const helpers: HelperTable = {
    *call(_, [cookie]) {
      yield { throw: cookie };
      return 0n;
    },
  };
  const text = "call f | r0 = 1 | exit | f: r1 = 42 | call 1 | exit | handler: r0 = r1 | r0 += 1 | exit";
  const { insns, labels } = assemble(text.replaceAll(" | ", "\n"));
  const throwing = (functions: Runnable["functions"]) =>
    new Interpreter({ memory: new FlatMemory(), helpers }).run({ insns, functions });

  test("the main function returns the cookie", () => expect(throwing([])).toMatchObject({ kind: "exit", r0: 42n }));

  test("or what the exception callback makes of it", () => {
    const functions = [{ start: labels.get("handler")!, exceptionCallback: true }];
    expect(throwing(functions)).toMatchObject({ kind: "exit", r0: 43n });
  });
});

describe("the end", () => {
  test("a budget of instructions makes an end of every loop", () => {
    expect(run("r0 = 0 | 1: r0 += 1 | goto 1b", { budget: 1000 })).toMatchObject({
      kind: "budget",
      instructions: 1000,
      slot: 2,
    });
    expect(run("r0 = 0 | exit", { budget: 2 })).toMatchObject({ kind: "exit", instructions: 2 });
    expect(run("r0 = 0 | exit", { budget: 1 })).toMatchObject({ kind: "budget", slot: 1 });
  });

  test.each([
    ["goto +5 | exit", "jump: control left the program @2"],
    ["r0 = 0", "jump: control left the program @1"],
    ["if r0 == 0 goto -7 | exit", "jump: control left the program @2"],
    ["call pc+9 | exit", "jump: control left the program @2"],
    ["r1 = 1 | gotox r1 | exit", "jump: control left the program @3"],
    ["goto +1 | r0 = 1 ll | exit", "opcode: opcode 0x00 means nothing with these fields @2"],
    [".8byte 0xff | exit", "opcode: opcode 0xf0 means nothing with these fields @0"],
    [".8byte 0x700000021db | exit", "opcode: opcode 0xdb means nothing with these fields @0"],
  ])("%s -> %s", (text, fault) => expect(faultOf(text)).toBe(fault));

  test("a fault after a tail call is in the program it led to", () => {
    const target: Runnable = { name: "target", insns: assemble("r0 = *(u64 *)(r1 + 64)\nexit").insns };
    const outcome = run("call bpf_tail_call | exit", { lookupProgram: () => target });
    expect(outcome).toMatchObject({
      kind: "fault",
      fault: { program: target, slot: 0, reason: "memory" },
      tailCalls: 1,
    });
  });
});

test("registers start as 0, but for the arguments and the frame pointer", () => {
  expect(r0("r0 = r1 | r0 += r2 | r0 += r3 | r0 += r6 | exit", { args: [1n, 20n] })).toBe(21n);
  expect(r0("r0 = r1 | exit")).toBe(CONTEXT);
});
