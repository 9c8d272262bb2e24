import { expect, test } from "vitest";
import { replaySet } from "../../../../src/import/capture/replay.ts";
import { openFixture, setOf } from "./fixtures.ts";

/** The program of the 2024 thread: it calls a subprogram twice, which tail-calls the program. */
function hierarchy(variant: string, set: string) {
  const opened = openFixture(variant);
  const { record } = setOf(opened, set);
  return [...replaySet(opened.capture, opened.kernel, record, { ...opened.machine, bytes: "captured" })];
}

const SETS = ["named.hierarchy_direct", "named.hierarchy_indirect"];

test.each(SETS)("%s on 6.1 ends with its first tail call past 33, in the finding that says why", (set) => {
  const [run, ...more] = hierarchy("x86_64-6.1-default", set);
  expect(more).toEqual([]);
  expect(run).toMatchObject({ status: "stopped", known: true, differences: [] });
  expect(run.outcome).toMatchObject({ r0: undefined, tailCalls: 34n });
  expect(run.findings).toEqual([
    expect.objectContaining({
      check: "tail-call-limit",
      function: "entry#tail",
      message:
        "tail call 34 of one entry is taken: since the 33rd, a call returned to entry+0x35, whose count did not hear of it",
      expected: "at most 33 tail calls",
      actual: "34, into entry",
    }),
  ]);
});

test.each(SETS)("%s on 6.12 ends after 33 tail calls, the program entered 34 times, as recorded", (set) => {
  const [run] = hierarchy("x86_64-6.12-default", set);
  expect(run).toMatchObject({ status: "same", findings: [], outcome: { tailCalls: 33n } });
  const { record } = setOf(openFixture("x86_64-6.12-default"), set);
  expect(record.runs?.[0].maps).toEqual({ cnt: { 0: expect.stringMatching(/^2200000000000000/) } });
});
