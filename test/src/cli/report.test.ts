import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-report-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "report.html");

describe("report --html", () => {
  test("writes one page with the scenarios, and says what it wrote", async () => {
    const { stdout, stderr, code } = await call("report", "--html", file, "hierarchy/two-calls", "tail-calls/self-xdp");
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toMatch(/^\S+report\.html: 2 scenarios, \d+ kB\n$/);
    const page = readFileSync(file, "utf8");
    expect(page.match(/data-scenario="[^"]*"/g)).toEqual([
      'data-scenario="hierarchy/two-calls"',
      'data-scenario="tail-calls/self-xdp"',
    ]);
    expect(page.endsWith("</html>\n")).toBe(true);
  });

  test("a scenario that fails is in the page, and fails the command", async () => {
    const wrong = join(folder, "wrong.yaml");
    writeFileSync(wrong, "title: wrong\nprograms: { p: 'r0 = 1\n\n exit' }\nexpect: { r0: 2 }\n");
    const { code } = await call("report", "--html", file, wrong, "--profile", "linux-6.12");
    expect(code).toBe(1);
    expect(readFileSync(file, "utf8")).toContain('title="not as declared">!! r0</a>');
  });

  test("wants a file that can be written", async () => {
    const missing = await call("report");
    expect([missing.stderr, missing.code]).toEqual([expect.stringMatching(/^jitproof: .*--html <FILE>.*\n$/), 2]);
    const nowhere = await call("report", "--html", join(folder, "no/such.html"), "tail-calls/self-xdp");
    expect([nowhere.stderr, nowhere.code]).toEqual([expect.stringMatching(/its folder does not exist\n$/), 2]);
  });
});
