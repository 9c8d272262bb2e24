import { describe, expect, test } from "vitest";
import { runDataTest } from "../../../src/conformance/data/run.ts";
import { runDataFiles } from "../../../src/conformance/data/run-all.ts";
import type { ConformanceResult } from "../../../src/conformance/result.ts";
import { type DataTest, parseDataFile } from "../../../src/import/conformance/data-file.ts";

const FOLDER = new URL("../../fixtures/conformance/data", import.meta.url).pathname;

async function runAll(on: string[]): Promise<ConformanceResult[]> {
  const results: ConformanceResult[] = [];
  for await (const result of runDataFiles([FOLDER], { on })) results.push(result);
  return results;
}

/** A test's outcome in one place: its verdict, and why. */
function outcome(text: string, on: string): string {
  const parsed = parseDataFile(text.replaceAll(/\s\|\s/g, "\n"), "t.data", () => "");
  if ("inapplicable" in parsed) return `skip: ${parsed.inapplicable}`;
  const { verdict, reason, mismatches, findings } = runDataTest(parsed as DataTest, { name: "t", file: "t.data" }, on);
  const why = [reason, ...mismatches.map((m) => `${m.expected}, ${m.actual}`), ...findings.map((f) => f.message)];
  return [verdict, ...why.filter(Boolean)].join(": ");
}

describe("our own folder of tests", () => {
  const verdicts = async (on: string) =>
    Object.fromEntries((await runAll([on])).map(({ scenario, verdict }) => [scenario, verdict]));
  const everything = {
    atomics: "pass",
    division: "pass",
    "errors/no-exit": "pass",
    "errors/nothing": "skip",
    helper: "pass",
    "local-call": "pass",
    memory: "pass",
    raw: "pass",
  };

  test("in the interpreter", async () =>
    expect(await verdicts("interpreter")).toEqual({ ...everything, "errors/out-of-bounds": "pass", signed: "pass" }));

  test.each(["linux-6.12", "linux-7.2", "linux-7.2+harden"])("on %s: no JIT checks bounds", async (on) =>
    expect(await verdicts(on)).toEqual({ ...everything, "errors/out-of-bounds": "skip", signed: "pass" }),
  );

  test("on linux-6.1: cpu v4 is younger", async () =>
    expect(await verdicts("linux-6.1")).toEqual({ ...everything, "errors/out-of-bounds": "skip", signed: "skip" }));
});

describe("where a test does not apply, it is said why", () => {
  test.each([
    ["-- asm | callx %r1 | exit | -- result | 1", "linux-7.2", /no kernel loads it: slot 0: unknown opcode 0x8d$/],
    ["-- asm | mov %r1, 0 | call 5 | exit | -- result | 0", "linux-7.2", /the unwind helper is ubpf's own/],
    ["-- asm | call 99 | exit | -- result | 1", "interpreter", /it calls helper 99/],
    ["-- asm | call runtime 7 | exit | -- result | 1", "linux-7.2", /it calls kernel function 7/],
    ["-- raw | 0x1018 | 0 | 0x95 | -- result | 1", "interpreter", /the address of a map/],
    ["-- asm | swap16 %r0 | exit | -- result | 0", "linux-6.1", /linux-6\.1 does not load it: unknown opcode d7/],
    [
      "-- asm | mov %r0, 1 | div %r0, 0 | exit | -- result | 0",
      "linux-7.2",
      /no kernel loads it: slot 1: division by 0/,
    ],
    [
      "-- asm | stdw [%r10-4], 1 | mov %r0, 1 | exit | -- result | 1",
      "linux-7.2",
      /its JIT checks nothing: slot 0: write of 8 bytes/,
    ],
    ["-- asm | stdw [%r10-4], 1 | mov %r0, 1 | exit | -- result | 1", "interpreter", /it reaches beyond its memory/],
    ["-- map | m 2 4 4 1 | -- asm | exit | -- result | 1", "interpreter", /it needs maps/],
    ["-- pyelf | x | -- asm | exit | -- result | 1", "interpreter", /ubpf's own scripts/],
    ["-- whatever | -- asm | exit | -- result | 1", "interpreter", /it has a section "whatever"/],
    ["-- asm | exit", "interpreter", /neither a result nor an error/],
    ["-- result | 1", "interpreter", /it has no program/],
  ])("%s on %s", (text, on, reason) => {
    expect(outcome(text, on)).toMatch(/^skip: /);
    expect(outcome(text, on)).toMatch(reason);
  });
});

describe("what comes of a test", () => {
  test.each([
    ["-- asm | mov %r0, 5 | exit | -- result | 6", "interpreter", "fail: 0x6, 0x5"],
    ["-- asm | mov %r0, 5 | exit | -- result | 6", "linux-6.1", "fail: 0x6, 0x5"],
    ["-- asm | mov %r0, -1 | exit | -- result | 0xffffffff", "linux-6.12", "fail: 0xffffffff, 0xffffffffffffffff"],
    ["-- asm | mov %r0, 5 | exit | -- error | no way", "linux-6.12", "fail: no way, it returned 0x5"],
    ["-- asm | ja -1 | exit | -- result | 0", "interpreter", "fail: 0x0, no end after 1000000 instructions"],
    ["-- asm | mov %r1, 0 | call 5 | mov %r0, 1 | exit | -- result | 0", "interpreter", "pass"],
    ["-- asm | mov %r1, 7 | call 5 | exit | -- result | 7", "interpreter", "pass"],
    ["-- asm | mov %r1, -1 | mov %r2, 5 | call %r2 | mov %r0, 2 | exit | -- result | 2", "interpreter", "pass"],
  ])("%s on %s: %s", (text, on, expected) => expect(outcome(text, on)).toBe(expected));

  test("an error counts before a result, and any refusal will do", () =>
    expect(outcome("-- asm | mov %r11, 1 | exit | -- result | 1 | -- error | bad register", "linux-6.12")).toBe(
      "pass",
    ));

  test("signed remainders with constants blinded: the verifier's guard uses a scratch register, which is another since 7.2", () => {
    const text = "-- asm | mov %r0, -13 | mov %r1, 3 | smod %r0, %r1 | exit | -- result | 0xffffffffffffffff";
    for (const on of ["linux-6.12", "linux-6.12+harden", "linux-7.2", "linux-7.2+harden"])
      expect(outcome(text, on)).toBe("pass");
  });

  test("ubpf's helpers", () => {
    const call = (setup: string, id: number, memory: string, result: string) =>
      outcome(`-- asm | ${setup} | call ${id} | ${result}`.concat(` | -- mem | ${memory}`), "linux-6.12");
    expect(call("mov %r2, 2", 1, "2a 2b 07", "ldxb %r0, [%r0+1] | exit | -- result | 1")).toBe("pass");
    expect(call("mov %r1, 26", 3, "00", "exit | -- result | 5")).toBe("pass");
    expect(call("mov %r2, %r1 | add %r2, 3", 4, "61 62 00 61 63 00", "exit | -- result | 0xffffffffffffffff")).toBe(
      "pass",
    );
    expect(call("mov %r2, %r1 | add %r2, 3", 4, "61 62 00 61 62 00", "exit | -- result | 0")).toBe("pass");
  });
});
