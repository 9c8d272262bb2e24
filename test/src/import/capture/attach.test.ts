import { expect, test } from "vitest";
import { profileNamed } from "../../../../jit/profiles/index.ts";
import { openCapture } from "../../../../src/import/capture/open.ts";
import { replaySet } from "../../../../src/import/capture/replay.ts";
import { fixture, openFixture } from "./fixtures.ts";

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

test.each(["linux-5.10", "linux-6.1", "linux-7.2+stuff"])(
  "x86_64-6.12-default as %s: programs attached by trampolines of that kernel, with the same outcome",
  (profile) => {
    const { capture, kernel, machine } = openCapture(fixture("x86_64-6.12-default"), profileNamed(profile));
    const sets = capture.records.filter(({ family }) => family === "trampoline");
    const runs = sets.flatMap((record) => [...replaySet(capture, kernel, record, { ...machine, bytes: "elsewhere" })]);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.map(({ status, findings }) => [status, findings])).toEqual(runs.map(() => ["same", []]));
  },
);
