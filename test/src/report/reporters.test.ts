import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { github } from "../../../src/report/github.ts";
import { fromJson, json, toJson } from "../../../src/report/json.ts";
import { junit } from "../../../src/report/junit.ts";
import { matrixJson } from "../../../src/report/matrix-json.ts";
import { pretty } from "../../../src/report/pretty.ts";
import { tap } from "../../../src/report/tap.ts";
import { render, result, results } from "./synthetic.ts";

const counts = { passed: 3, failed: 4, skipped: 2, ms: 1234 };

describe("each reporter writes its format (vitest -u rewrites golden/)", () => {
  test.each([
    ["pretty.txt", pretty],
    ["report.json", json],
    ["junit.xml", junit],
    ["report.tap", tap],
    ["matrix.json", matrixJson],
  ])("%s", async (file, reporter) => {
    const { text, summary } = await render(reporter);
    expect(summary).toEqual(counts);
    await expect(text).toMatchFileSnapshot(`golden/${file}`);
  });

  test("github.txt and the job's summary, which is appended to", async () => {
    const folder = mkdtempSync(join(tmpdir(), "jitproof-github-"));
    const stepSummary = join(folder, "summary.md");
    writeFileSync(stepSummary, "## before\n\n");
    const { text, summary } = await render(github, results, { stepSummary });
    expect(summary).toEqual(counts);
    await expect(text).toMatchFileSnapshot("golden/github.txt");
    await expect(readFileSync(stepSummary, "utf8")).toMatchFileSnapshot("golden/summary.md");
    rmSync(folder, { recursive: true });
  });
});

describe("nothing to tell", () => {
  test.each([
    ["pretty", pretty, "0 passed, 0 failed in 1.2 s\n"],
    ["tap", tap, "TAP version 14\n1..0\n"],
    ["github", github, "0 passed, 0 failed in 1.2 s\n"],
  ] as const)("%s", async (_, reporter, text) => {
    expect((await render(reporter, [])).text).toBe(text);
  });
});

test("a scenario's profiles that fail in the same words share them; ten problems are shown", async () => {
  const mismatches = Array.from({ length: 12 }, (_, i) => ({
    path: `expect.maps.m.${i}`,
    expected: "0",
    actual: "1",
    line: i + 1,
    column: 1,
  }));
  const { text } = await render(pretty, [
    result("a", "p1", { verdict: "fail", mismatches }),
    result("a", "p2", { verdict: "fail", mismatches }),
  ]);
  expect(text).toContain("    p1, p2\n");
  expect(text).toContain("and 2 more\n");
  expect(text).not.toContain("expect.maps.m.10");
});

test("colours go around words, never into JSON, XML or TAP", async () => {
  expect((await render(pretty, results, { color: true })).text).toContain("\u001b[31m✗\u001b[39m");
  for (const reporter of [json, junit, tap, github])
    expect((await render(reporter, results, { color: true })).text).not.toContain("\u001b[");
});

test("JSON keeps all of a result, so that shards can be merged", () => {
  for (const one of results) expect(fromJson(JSON.parse(JSON.stringify(toJson(one))))).toEqual(one);
});
