import { describe, expect, test } from "vitest";
import { assembleScenario } from "../../../src/runner/build.ts";
import type { RunResult } from "../../../src/runner/result.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

/** entry tail-calls itself to the limit; probe and other count their runs. */
const yaml = (rest: string): string => `title: t
maps:
  table: { type: prog_array, max_entries: 2, values: { 0: entry } }
  runs: { type: array, value_size: 8, max_entries: 1 }
programs:
  entry: |
    entry:
      r2 = table ll
      r3 = 0
      call bpf_tail_call
      r0 = 1
      exit
  probe: |
    probe:
      r1 = runs[0] ll
      r2 = 1
      lock *(u64 *)(r1 + 0) += r2
      r0 = 0
      exit
  other: |
    other:
      r0 = 42
      exit
run: entry
${rest}`;

const run = (rest: string, profile = "linux-6.12"): RunResult => {
  const scenario = parseScenario(yaml(rest), "x.yaml");
  return runScenario(scenario, assembleScenario(scenario), profile);
};

describe("in the middle of a run", () => {
  test("a program of the same task is entered and returns; the run goes on as if nothing had been", () => {
    const result = run(`events: [{ at: tail call 10, interrupt: probe }]
expect: { r0: 1, tail_calls: 33, maps: { runs: { 0: 1 } } }`);
    expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
  });

  test("several events, in the order of their moments, whatever order the file has", () => {
    const result = run(`events:
  - { at: instruction 100, switch: probe }
  - { at: tail call 1, interrupt: probe }
  - { at: "entry:33", interrupt: probe }
expect: { r0: 1, tail_calls: 33, maps: { runs: { 0: 3 } } }`);
    expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
  });

  test("exactly where a tail call lands the tail call still counts", () => {
    // landing pad of the second entry: 12 bytes and an endbr64 into the program
    const result = run(`events: [{ at: "entry+0x10:2", interrupt: probe }]
expect: { tail_calls: 33, maps: { runs: { 0: 1 } } }`);
    expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
  });

  test("another CPU replaces the program in the slot: the next tail call goes there", () => {
    const result = run(`events: [{ at: tail call 10, poke: { table: { 0: other } } }]
expect: { r0: 42, tail_calls: 11 }`);
    expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
  });

  test("a slot that is emptied: the bypass closes at once, what it jumped over goes when the run has ended", () => {
    const result = run(`events: [{ at: tail call 10, poke: { table: { 0: null } } }]
expect: { r0: 1, tail_calls: 10, maps: { table: { 0: null } } }`);
    expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
  });

  test.each([0, 1, 2, 3])("a poke seen after %i of its steps: int3, tail, first byte", (steps) => {
    const result = run(`events: [{ at: tail call 10, poke: { table: { 0: other } }, steps: ${steps} }]
expect: { r0: ${steps ? 42 : 1} }`);
    expect(result).toMatchObject({ verdict: "pass", findings: [], mismatches: [] });
  });

  test("a moment that never comes is an expectation that does not hold", () => {
    const result = run(`events: [{ at: tail call 40, interrupt: probe }]
expect: { r0: 1 }`);
    expect(result.verdict).toBe("fail");
    expect(result.mismatches).toMatchObject([{ expected: "a run that gets to tail call 40", actual: "it never does" }]);
  });
});

describe("at every instruction", () => {
  test("an interrupt, a switch and a poke break nothing where the count is on the entry's stack", () => {
    const points: number[] = [];
    for (const event of ["interrupt: probe", "switch: probe", "poke: { table: { 0: entry, 1: other } }"]) {
      const { verdict, explored, instructions } = run(
        `expect: { r0: 1, tail_calls: 33 }\nexplore: { ${event} }`,
        "linux-6.12",
      );
      expect({ event, verdict, broken: explored?.broken }).toEqual({ event, verdict: "pass", broken: 0 });
      points.push((explored?.points ?? 0) / instructions);
    }
    expect(points).toEqual([1, 2, 0]); // a switch: all of the other program, and its prologue; the pokes change nothing
  });

  test("what differs from what is expected is reported once, with the first instruction and what happened there", () => {
    const { verdict, explored, findings } = run(
      "expect: { r0: 1, tail_calls: 33 }\nexplore: { poke: { table: { 0: other } } }",
    );
    expect(verdict).toBe("fail");
    expect(explored!.broken).toBeGreaterThan(0);
    expect(explored!.broken).toBeLessThan(explored!.points);
    expect(findings[0]).toMatchObject({
      check: "poke",
      message: "a poke that has got to step 1 after 0 instructions, at entry: another r0",
      expected: "r0 = 1, wherever it happens",
      actual: "42",
    });
  });

  test("the short form takes the program that nobody else runs; which one must be clear", () => {
    expect(() => run("expect: { r0: 1 }\nexplore: interrupt")).toThrow(
      "expected which program: { interrupt: probe } or another that is not in use",
    );
  });
});

describe("bad input", () => {
  test.each([
    ["events: [{ at: tomorrow noon, interrupt: probe }]", "expected a moment such as"],
    ["events: [{ at: tail call 1 }]", "expected one of interrupt, switch and poke, found none"],
    ["events: [{ at: tail call 1, interrupt: nobody }]", 'unknown program "nobody"'],
    ["events: [{ at: tail call 1, poke: { runs: { 0: 1 } } }]", "expected slots of a prog_array in poke"],
    ["events: [{ at: tail call 1, interrupt: probe, steps: 1 }]", "expected poke beside steps"],
    ["explore: sleep", 'unknown name "sleep"'],
  ])("%s", (rest, message) => {
    expect(() => run(rest)).toThrow(message);
  });
});
