import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fuzz = (...args: string[]) => call("fuzz", "--jobs", "1", "--out", join(folder, "found"), ...args);
/** The JSON report, without what depends on the clock. */
function report({ stdout }: { stdout: string }) {
  const { ms, cpuMs, perSecond, perCpuSecond, ...summary } = JSON.parse(stdout).summary;
  return { ...JSON.parse(stdout), summary };
}

describe("fuzz", () => {
  test("says what it ran, what was covered, and how fast", async () => {
    const { stdout, code } = await fuzz("--runs", "20", "--profile", "linux-6.12");
    expect(code).toBe(0);
    expect(stdout).toMatch(/linux-6\.12 {2}agrees, \d+ opcodes in \d+ shapes \(\d+ pairs\)/);
    expect(stdout).toMatch(/20 programs of seed 1 .*, 20 comparisons\n0 disagreements in [\d.]+ s, \d+\/s/);
  });

  test("goes on where it was left, and comes to the same", async () => {
    const resume = join(folder, "state.json");
    const options = ["--profile", "linux-6.12", "--reporter", "json"];
    await fuzz("--runs", "60", "--resume", resume, ...options);
    const resumed = report(await fuzz("--runs", "110", "--resume", resume, ...options));
    expect(resumed.summary.programs).toBe(110);
    expect(resumed).toEqual(report(await fuzz("--runs", "110", ...options)));
  });

  test("keeps a corpus, and writes what disagrees", async () => {
    const corpus = join(folder, "corpus");
    const broken = await fuzz("--runs", "3", "--profile", "rfc-task-struct-v3", "--corpus", corpus);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/program 0 on rfc-task-struct-v3: arguments {2}p0 does not get R1/);
    expect(readdirSync(corpus)).toContain("seed-1-0.yaml");
    expect(readFileSync(join(folder, "found", "rfc-task-struct-v3-arguments-1-0.yaml"), "utf8")).toMatch(
      /^title: What fuzz --seed 1 --from 0 found, arguments on rfc-task-struct-v3\n/,
    );
  });

  test("where designs are expected to be broken, one that is not caught is the failure", async () => {
    expect((await fuzz("--runs", "3", "--expect-broken", "--profile", "rfc-task-struct-v3")).code).toBe(0);
    expect((await fuzz("--runs", "3", "--expect-broken", "--profile", "linux-6.12")).code).toBe(1);
  });

  test.each([
    [["--runs", "many"], "--runs many: expected a number from 0"],
    [["--reporter", "tap"], "fuzz reports as pretty or json, not as tap"],
    [["--resume", "/"], "/: cannot be read"],
  ])("%j is one line", async (args, message) => {
    const { stderr, code } = await fuzz(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("another campaign's file, or none at all, is refused", async () => {
    const file = join(folder, "other.json");
    await fuzz("--runs", "1", "--profile", "linux-6.12", "--resume", file);
    expect((await fuzz("--runs", "2", "--seed", "2", "--profile", "linux-6.12", "--resume", file)).stderr).toContain(
      "is of a campaign with another --seed",
    );
    writeFileSync(file, "{}");
    expect((await fuzz("--runs", "1", "--resume", file)).stderr).toContain("is no file of fuzz --resume");
  });
});
