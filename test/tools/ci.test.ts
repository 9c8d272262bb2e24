import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../.ci/count.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "jitproof-ci-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe(".ci/run ends with what passed and failed, the lint counted as one", () => {
  test.each([
    ["all is well", { numPassedTests: 40, numFailedTests: 0 }, "0", "0", "41 passed, 0 failed\n", 0],
    ["two tests fail", { numPassedTests: 38, numFailedTests: 2 }, "1", "0", "39 passed, 2 failed\n", 1],
    ["the lint fails", { numPassedTests: 40, numFailedTests: 0 }, "0", "1", "40 passed, 1 failed\n", 1],
    ["a file cannot be read", { numPassedTests: 40, numFailedTests: 0 }, "1", "0", "41 passed, 1 failed\n", 1],
    ["no test ran", undefined, "1", "0", "1 passed, 1 failed\n", 1],
  ])("%s", (_, report, tests, lint, line, status) => {
    const file = join(folder, "report.json");
    rmSync(file, { force: true });
    if (report) writeFileSync(file, JSON.stringify(report));
    const result = spawnSync(process.execPath, [script, lint, file, tests], { encoding: "utf8" });
    expect([result.stdout, result.status]).toEqual([line, status]);
  });

  test("counts of several suites add up", () => {
    const [first, second] = ["first.json", "second.json"].map((name) => join(folder, name));
    writeFileSync(first, JSON.stringify({ numPassedTests: 40, numFailedTests: 0 }));
    writeFileSync(second, JSON.stringify({ numPassedTests: 5, numFailedTests: 1 }));
    const result = spawnSync(process.execPath, [script, "0", first, "0", second, "1"], { encoding: "utf8" });
    expect([result.stdout, result.status]).toEqual(["46 passed, 1 failed\n", 1]);
  });
});
