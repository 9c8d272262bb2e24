import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Mismatch, RunResult } from "../../../src/runner/result.ts";
import type { Expectation } from "../../../src/scenario/scenario.ts";
import { limit, result } from "../report/synthetic.ts";
import { call, fake } from "./call.ts";

vi.mock("../../../src/runner/run.ts", async () => (await import("./call.ts")).runner);
vi.mock("../../../src/runner/profiles.ts", async () => (await import("./call.ts")).profiles);

const file = join(mkdtempSync(join(tmpdir(), "jitproof-bless-")), "x.yaml");
afterAll(() => rmSync(join(file, ".."), { recursive: true }));
const text = "title: t # title\nprograms: { main: exit }\nexpect: { r0: 1, tail_calls: 33 } # why\n";
beforeEach(() => writeFileSync(file, text));

/** A machine that returns `r0` by profile and holds the scenario to it. */
function machine(r0: Record<string, string>, extra: Partial<RunResult> = {}) {
  fake.run = ({ scenarios, profiles }) =>
    scenarios.flatMap(({ id, steps }) =>
      profiles.map((profile) => {
        const expected = (steps[0] as { expect: Expectation }).expect.r0!;
        const actual = r0[profile] ?? r0.all;
        const { path, line, column } = expected;
        const mismatches: Mismatch[] =
          actual === String(expected.value) ? [] : [{ path, line, column, expected: String(expected.value), actual }];
        const failed = mismatches.length > 0 || extra.findings;
        return result(id, profile, { file, mismatches, ...extra, verdict: failed ? "fail" : "pass" });
      }),
    );
}

describe("run --bless", () => {
  test("rewrites what all profiles agree on, runs it again and passes", async () => {
    machine({ all: "7" });
    const { stdout, stderr, code } = await call("run", file, "--bless");
    expect(readFileSync(file, "utf8")).toBe(text.replace("r0: 1", "r0: 7"));
    expect([stderr, code]).toEqual(["blessed 1 expectation in 1 file\n", 0]);
    expect(stdout).toMatch(/^✓ .*\n3 passed, 0 failed/);
  });

  test("leaves alone what profiles disagree on, and says so", async () => {
    machine({ "linux-6.1": "7", all: "8" });
    const { stderr, code } = await call("run", file, "--bless");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect([stderr, code]).toEqual([
      `${file}:3:15: expect.r0: 7 on linux-6.1; 8 on linux-6.12, rfc-task-struct-v3; not blessed, declare it under breaks or bless with --profile\n`,
      1,
    ]);
  });

  test("leaves alone what holds on another profile", async () => {
    machine({ "linux-6.1": "7", all: "1" });
    const { stderr, code } = await call("run", file, "--bless");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(stderr).toContain("7 on linux-6.1, but it holds on linux-6.12, rfc-task-struct-v3; not blessed");
    expect(code).toBe(1);
  });

  test("blesses for one profile when asked to", async () => {
    machine({ "linux-6.1": "7", all: "1" });
    expect((await call("run", file, "--bless", "--profile", "linux-6.1")).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("r0: 7,");
  });

  test("never blesses a broken contract", async () => {
    machine({ all: "1" }, { findings: [limit] });
    expect(await call("run", file, "--bless")).toMatchObject({ code: 1, stderr: "" });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("refuses what is no value", async () => {
    machine({ all: "did not return" });
    const { stderr, code } = await call("run", file, "--bless");
    expect([stderr, code]).toEqual([
      `${file}:3:15: expect.r0: did not return cannot be an expectation; not blessed\n`,
      1,
    ]);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("does not overwrite a file that changed meanwhile", async () => {
    machine({ all: "7" });
    const run = fake.run;
    fake.run = (request) => {
      writeFileSync(file, `${text}# mine\n`);
      return run(request);
    };
    expect(await call("run", file, "--bless")).toMatchObject({
      code: 2,
      stderr: `${file}: changed while it ran; not blessed\n`,
    });
    expect(readFileSync(file, "utf8")).toBe(`${text}# mine\n`);
  });
});
