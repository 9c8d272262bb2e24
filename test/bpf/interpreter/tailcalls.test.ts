import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import type { Outcome } from "../../../bpf/interpreter/outcome.ts";
import type { HelperSteps, Runnable } from "../../../bpf/interpreter/runnable.ts";
import type { InterpreterOptions } from "../../../bpf/interpreter/settings.ts";
import { FlatMemory } from "../../../bpf/memory.ts";

const COUNTERS = 0xffff888000000000n;
const JMP_TABLE = 0xff11000000000000n;

/** Runs the first program; R1 points to two counters, `jmp_table` is JMP_TABLE, element i of it is the i-th program. */
function run(...texts: string[]): Outcome & { counters: bigint[] } {
  return runWith({}, ...texts);
}

function runWith(options: Partial<InterpreterOptions>, ...texts: string[]): Outcome & { counters: bigint[] } {
  const memory = new FlatMemory();
  const bytes = memory.map(COUNTERS, 16);
  const programs: Runnable[] = texts.map((text) => ({
    insns: assemble(text.replaceAll(/\s\|\s/g, "\n"), { constants: { jmp_table: JMP_TABLE } }).insns,
  }));
  const lookupProgram = (map: bigint, index: number) => (map === JMP_TABLE ? programs[index] : undefined);
  const outcome = new Interpreter({ memory, lookupProgram, ...options }).run(programs[0], COUNTERS);
  return { ...outcome, counters: [...new BigUint64Array(bytes.buffer)] };
}

const assembled = (text: string) =>
  assemble(text.replaceAll(/\s\|\s/g, "\n"), { constants: { jmp_table: JMP_TABLE } }).insns;

const count = (index: number): string => `lock *(u64 *)(r1 + ${8 * index}) += r5`;

test("a program that tail-calls itself does so 33 times", () => {
  const { counters, ...outcome } = run(
    `r5 = 1 | ${count(0)} | r2 = jmp_table ll | r3 = 0 | call bpf_tail_call | r0 = 7 | exit`,
  );
  expect(outcome).toMatchObject({ kind: "exit", r0: 7n, tailCalls: 33 });
  expect(counters[0]).toBe(34n);
});

test("a tail call to an empty element, to no element or to no prog array falls through and does not count", () => {
  const empty = "r2 = jmp_table ll | r3 = 1 | call bpf_tail_call";
  expect(run(`${empty} | r0 = 5 | exit`)).toMatchObject({ r0: 5n, tailCalls: 0 });
  expect(run("r2 = 16 | r3 = 0 | call bpf_tail_call | r0 = 5 | exit")).toMatchObject({ r0: 5n, tailCalls: 0 });
  // 33 still to be had after one that fell through
  const text = `r5 = 1 | ${count(0)} | ${empty} | r2 = jmp_table ll | r3 = 0 | call bpf_tail_call | r0 = 7 | exit`;
  expect(run(text)).toMatchObject({ r0: 7n, tailCalls: 33 });
});

test("the index has 32 bits", () => {
  const text = "r2 = jmp_table ll | r3 = 0x700000001 ll | call bpf_tail_call | r0 = 5 | exit";
  expect(run(text, "r0 = 6 | exit")).toMatchObject({ r0: 6n });
});

test("the program that was called returns to whoever waits for the one that called it", () => {
  const entry =
    "r6 = 10 | call f | r0 += r6 | exit | f: r6 = 1000 | r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | exit";
  expect(run(entry, "r6 = 5000 | r0 = 3 | exit")).toMatchObject({ r0: 13n, tailCalls: 1 });
});

test("it has the stack of the function that called it, not one below", () => {
  const entry = "*(u64 *)(r10 - 8) = 1 | r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | exit";
  expect(run(entry, "r0 = *(u64 *)(r10 - 8) | exit")).toMatchObject({ r0: 1n });
});

/*
 *     entry --+-- call subprog_tail == tail call ==> entry --+-- ...
 *             +-- call subprog_tail == tail call ==> entry --+-- ...
 *
 * Selftest tailcall_bpf2bpf_hierarchy_1: the count does not start over in the second call.
 */
test("the count is kept across calls, on the way down and on the way back", () => {
  const { counters, ...outcome } = run(`
    r6 = r1 | r5 = 1 | ${count(0)} | call subprog_tail | r1 = r6 | call subprog_tail | r0 = 1 | exit
    subprog_tail: r2 = jmp_table ll | r3 = 0 | call bpf_tail_call | r0 = 0 | exit`);
  expect(outcome).toMatchObject({ kind: "exit", r0: 1n, tailCalls: 33 });
  expect(counters[0]).toBe(34n);
});

test("calls nest 8 deep in each program, so deeper where tail calls lead on", () => {
  const chain = Array.from({ length: 7 }, (_, i) => `f${i + 1}: call f${i + 2} | exit`)
    .slice(0, 6)
    .join(" | ");
  const { counters, ...outcome } = run(
    `r5 = 1 | call f1 | exit | ${chain} | f7: ${count(0)} | r2 = jmp_table ll | r3 = 0 | call bpf_tail_call | exit`,
  );
  expect(outcome).toMatchObject({ kind: "exit", tailCalls: 33 });
  expect(counters[0]).toBe(34n);
});

describe("how a kernel counts", () => {
  const twice = `
    r6 = r1 | r5 = 1 | ${count(0)} | call subprog | r1 = r6 | call subprog | r0 = 1 | exit
    subprog: r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | r0 = 0 | exit`;
  const again = `r6 = r1 | r5 = 1 | ${count(0)} | r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | r0 = 0 | exit`;

  test.each([
    ["entry", 33, "what the first call counts is missing in the second"],
    ["value", 66, "the second call starts with what the entry had counted"],
    ["frame", 66, "each call starts at 0"],
  ] as const)("per %s: %i of two calls that tail-call on and on, as %s", (per, tailCalls, _why) => {
    expect(runWith({ counting: { per, countsEmpty: false } }, twice, again)).toMatchObject({ r0: 1n, tailCalls });
  });

  test("by value the callee goes on where its caller is; in frames of their own it has all 33", () => {
    const first = "r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | r0 = 0 | exit";
    const second = `call f | r0 = 0 | exit | f: ${again}`;
    const third = "r2 = jmp_table ll | r3 = 2 | call bpf_tail_call | r0 = 0 | exit";
    const taken = (per: "value" | "frame") =>
      runWith({ counting: { per, countsEmpty: false } }, first, second.replace("r3 = 1", "r3 = 2"), third).tailCalls;
    expect([taken("value"), taken("frame")]).toEqual([33, 34]);
  });

  test("before 6.12 an empty element costs one of the 33", () => {
    const text = `r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | r2 = jmp_table ll | r3 = 0 | call bpf_tail_call | r0 = 7 | exit`;
    const tailCalls = (countsEmpty: boolean) =>
      runWith(
        {
          counting: { per: "entry", countsEmpty },
          lookupProgram: (_, index) => (index === 0 ? { insns: assembled(text) } : "empty"),
        },
        text,
      ).tailCalls;
    // 34 entries with two attempts each, or 17
    expect([tailCalls(false), tailCalls(true)]).toEqual([33, 16]);
  });
});

test("a call of a function with something around it goes there, and tail calls in it come back there", () => {
  const seen: bigint[] = [];
  function* around(args: readonly bigint[]): HelperSteps {
    const r0: bigint = yield { call: 0xffffffffc0000000n + 8n * 3n, args };
    seen.push(args[1], r0);
    return r0 + 1000n;
  }
  const entry = "r2 = 5 | call f | exit | f: r2 = jmp_table ll | r3 = 1 | call bpf_tail_call | exit";
  const intercept: InterpreterOptions["intercept"] = (_, slot, args) => (slot === 3 ? around(args) : undefined);
  expect(runWith({ intercept }, entry, "r0 = 7 | exit")).toMatchObject({ r0: 1007n, tailCalls: 1 });
  expect(seen).toEqual([5n, 7n]);
});
