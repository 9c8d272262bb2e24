import { describe, expect, test } from "vitest";
import { matrix } from "../../../src/report/matrix.ts";
import { fitMiddle, wrapLabel } from "../../../src/report/text-width.ts";
import { limit, render, result } from "./synthetic.ts";

const few = [
  result("hierarchy/two-calls", "linux-6.1", { verdict: "breaks", tailCalls: 17179869182n, findings: [limit] }),
  result("hierarchy/two-calls", "linux-6.12"),
  result("hierarchy/two-calls", "rfc-task-struct-v3"),
  result("freplace/of-a-subprogram", "linux-6.1", { verdict: "skip" }),
  result("freplace/of-a-subprogram", "linux-6.12", { tailCalls: 0n }),
  result("freplace/of-a-subprogram", "rfc-task-struct-v3", {
    verdict: "fail",
    mismatches: [{ path: "expect.tail_calls", expected: "0", actual: "1", line: 1, column: 1 }],
  }),
];

const many = ["hierarchy/two-calls", "trampoline/fexit-on-a-subprogram-that-tail-calls-the-target"].flatMap(
  (scenario) =>
    [
      "linux-6.1",
      "linux-6.6",
      "linux-6.12",
      "linux-6.12-its",
      "linux-6.12-harden2",
      "rfc-task-struct-v1",
      "rfc-task-struct-v3",
      "bpf-next",
      "averyveryverylongname",
    ].map((profile, i) => result(scenario, profile, i % 4 === 1 ? { verdict: "breaks", findings: [limit] } : {})),
);

describe("the matrix", () => {
  test("shows what each design gets right", async () => {
    const { text } = await render(matrix, few);
    await expect(text).toMatchFileSnapshot("golden/matrix.txt");
  });

  test("goes into blocks that stay within 80 columns", async () => {
    const { text } = await render(matrix, many);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    await expect(text).toMatchFileSnapshot("golden/matrix-many.txt");
  });

  test("stays a matrix on a terminal of 20 columns, and without results", async () => {
    expect((await render(matrix, few, { width: 20 })).text).toContain("✓ 33");
    expect((await render(matrix, [])).text).toBe("0 passed, 0 failed in 1.2 s\n");
  });

  test("a failure stands out in colour", async () => {
    expect((await render(matrix, few, { color: true })).text).toContain("\u001b[7m\u001b[31m!! calls");
  });
});

test("names are wrapped behind dashes and cut in the middle", () => {
  expect(wrapLabel("rfc-task-struct-v3", 9)).toEqual(["rfc-task-", "struct-v3"]);
  expect(wrapLabel("abcdefghijkl", 5)).toEqual(["abcde", "fghij", "kl"]);
  expect(fitMiddle("hierarchy/two-calls", 12)).toBe("hie…wo-calls");
});
