import { expect, test } from "vitest";
import { replaySet } from "../../../../src/import/capture/replay.ts";
import { openFixture } from "./fixtures.ts";

test.each([
  ["x86_64-6.12-harden2", "our own, as the kernel hides its"],
  ["x86_64-6.12-default", "the kernel's own"],
])("%s: with trampolines that are %s a run comes out as in the kernel", (variant) => {
  const opened = openFixture(variant);
  const sets = opened.capture.records.filter(({ family }) => family === "trampoline");
  const runs = sets.flatMap((record) => [
    ...replaySet(opened.capture, opened.kernel, record, { ...opened.machine, bytes: "captured" }),
  ]);
  expect(runs.length).toBeGreaterThan(1);
  expect(runs.map(({ status, findings }) => [status, findings])).toEqual(runs.map(() => ["same", []]));
});
