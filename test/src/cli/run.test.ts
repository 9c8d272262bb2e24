import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunResult } from "../../../src/runner/result.ts";
import type { RunRequest } from "../../../src/runner/run.ts";
import { limit, result } from "../report/synthetic.ts";
import { call, fake } from "./call.ts";

vi.mock("../../../src/runner/run.ts", async () => (await import("./call.ts")).runner);
vi.mock("../../../src/runner/profiles.ts", async () => (await import("./call.ts")).profiles);

const folder = mkdtempSync(join(tmpdir(), "jitproof-run-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const text = "title: t\nprograms: { main: exit }\nexpect: { r0: 1 } # one\n";
mkdirSync(at("s/deep"), { recursive: true });
for (const name of ["a", "b", "deep/c", "deep/d"]) writeFileSync(at(`s/${name}.yaml`), text);

/** Each scenario on each profile, as `verdict` says. */
const each =
  (verdict: (scenario: string, profile: string) => Partial<RunResult> = () => ({})) =>
  ({ scenarios, profiles }: RunRequest) =>
    scenarios.flatMap(({ id, file }) =>
      profiles.map((profile) => result(id, profile, { file, ...verdict(id, profile) })),
    );

const failing = (profile: string) => each((_, p) => (p === profile ? { verdict: "fail", findings: [limit] } : {}));

beforeEach(() => {
  fake.requests = [];
  fake.run = each();
});

const names = () => fake.requests.map(({ scenarios }) => scenarios.map(({ id }) => id));

describe("run", () => {
  test("runs every scenario of a folder on every profile", async () => {
    const { stdout, stderr, code } = await call("run", at("s"));
    expect([names(), fake.requests[0].profiles]).toEqual([
      [["a", "b", "deep/c", "deep/d"]],
      ["linux-6.1", "linux-6.12", "rfc-task-struct-v3"],
    ]);
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toMatch(/^✓ a {2}3 pass\n✓ b .*\n✓ deep\/c .*\n✓ deep\/d .*\n12 passed, 0 failed in \d+ m?s\n$/);
  });

  test("takes --filter, --shard, --profile (names and globs, in the profiles' order) and --jobs", async () => {
    await call("run", at("s"), "--filter", "^deep/");
    await call("run", at("s"), "--shard", "2/3");
    await call("run", at("s"), "--shard", "9/9");
    await call("run", at("s/b.yaml"), "--profile", "rfc-*", "--profile", "linux-6.1", "--jobs", "3");
    await call("run", at("s/b.yaml"), "--profile", "linux-6.12+mitoff+zen2", "--profile", "linux-6.12*");
    expect(names()).toEqual([["deep/c", "deep/d"], ["b"], [], ["b"], ["b"]]);
    expect(fake.requests[4].profiles).toEqual(["linux-6.12", "linux-6.12+mitoff", "linux-6.12+mitoff+zen2"]);
    expect(fake.requests[3]).toMatchObject({ profiles: ["linux-6.1", "rfc-task-struct-v3"], jobs: 3 });
  });

  test("reads only what the filter names", async () => {
    writeFileSync(at("broken.yaml"), "title: [");
    expect((await call("run", folder, "--filter", "s/a")).code).toBe(0);
    expect((await call("run", folder)).code).toBe(2);
    rmSync(at("broken.yaml"));
  });

  test("exits with 1 when a contract is broken, whatever the reporter", async () => {
    fake.run = failing("linux-6.1");
    for (const reporter of ["pretty", "json", "junit", "tap", "github"])
      expect((await call("run", at("s"), "--reporter", reporter)).code).toBe(1);
    expect((await call("matrix", at("s"))).code).toBe(1);
  });

  test("writes to --output instead of stdout", async () => {
    expect(await call("run", at("s"), "--reporter", "json", "--output", at("report.json"))).toMatchObject({
      stdout: "",
      code: 0,
    });
    expect(JSON.parse(readFileSync(at("report.json"), "utf8"))).toMatchObject({ summary: { passed: 12, failed: 0 } });
  });

  test("does not touch --output when the usage is wrong", async () => {
    await call("run", at("s"), "--filter", "zzz", "--output", at("untouched"));
    expect(existsSync(at("untouched"))).toBe(false);
  });

  test("paints only for terminals, or when FORCE_COLOR says so; NO_COLOR and --no-color win", async () => {
    const painted = async (...args: string[]) => (await call("run", at("s"), ...args)).stdout.includes("\u001b[");
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("FORCE_COLOR", undefined);
    expect(await painted()).toBe(false);
    vi.stubEnv("FORCE_COLOR", "1");
    expect([await painted(), await painted("--no-color")]).toEqual([true, false]);
    vi.stubEnv("NO_COLOR", "1");
    expect(await painted()).toBe(false);
    vi.unstubAllEnvs();
  });
});

describe("matrix", () => {
  test("is a table, JSON with cells, or what run writes for CI", async () => {
    fake.run = failing("linux-6.12");
    expect((await call("matrix", at("s"))).stdout).toContain("gets right");
    const { scenarios } = JSON.parse((await call("matrix", at("s"), "--reporter", "json")).stdout);
    expect(scenarios[0]).toMatchObject({
      scenario: "a",
      cells: { "linux-6.12": { verdict: "fail", checks: ["tail-call-limit"] } },
    });
    expect((await call("matrix", at("s"), "--reporter", "tap")).stdout).toContain("not ok 2 - a on linux-6.12");
  });
});

describe("merge", () => {
  test("shards become the report of the whole, and its exit status", async () => {
    fake.run = failing("linux-6.1");
    for (const part of [2, 1])
      await call("run", at("s"), "--shard", `${part}/2`, "--reporter", "json", "--output", at(`${part}.json`));
    const whole = await call("run", at("s"), "--reporter", "tap");
    expect(await call("merge", at("2.json"), at("1.json"), "--reporter", "tap")).toEqual(whole);
  });

  test("the same shard twice would hide that another is missing", async () => {
    expect(await call("merge", at("1.json"), at("1.json"))).toMatchObject({
      code: 2,
      stderr: "jitproof: a on linux-6.1 is in two of the reports; expected one report per shard\n",
    });
  });
});
