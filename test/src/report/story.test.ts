import { describe, expect, test } from "vitest";
import { storyLines } from "../../../src/report/story.ts";
import type { RunResult } from "../../../src/runner/result.ts";

const plain = (text: string) => text;
const colors = { red: plain, green: plain, yellow: plain, bold: plain, dim: plain, inverse: plain };
const options = { write: () => {}, colors, elapsed: () => 0, width: 40 };
const result: RunResult = {
  scenario: "gallery/x",
  title: "X",
  file: "x.yaml",
  profile: "linux-5.4+bug-x",
  story: { about: "A call landed nine bytes behind its function's first.", differences: ["r0: expected 2, found 1"] },
  verdict: "breaks",
  tailCalls: 0n,
  instructions: 1,
  maxStack: 8,
  findings: [],
  mismatches: [],
  ms: 1,
};

describe("the story of a bug in the pretty report", () => {
  test("its profile, what happened, within the width, and what came out", () => {
    expect(storyLines(result, options)).toEqual([
      "    linux-5.4+bug-x",
      "        A call landed nine bytes behind",
      "        its function's first.",
      "        result  r0: expected 2, found 1",
    ]);
  });

  test("a finding says it better than the values", () => {
    const finding = {
      check: "landing" as const,
      message: "control lands at f+0x9",
      pc: 9n,
      function: "f",
      offset: 9,
      expected: "an entry",
      actual: "f+0x9",
    };
    expect(storyLines({ ...result, findings: [finding] }, options).slice(3)).toEqual([
      "        landing  control lands at f+0x9",
      "          at        f+0x9",
      "          expected  an entry",
      "          actual    f+0x9",
    ]);
  });

  test("none where nothing broke, and of no profile without a bug", () => {
    expect(storyLines({ ...result, verdict: "pass" }, options)).toEqual([]);
    expect(storyLines({ ...result, story: undefined }, options)).toEqual([]);
  });
});
