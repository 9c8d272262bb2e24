import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { call, fake } from "./call.ts";

vi.mock("../../../src/runner/run.ts", async () => (await import("./call.ts")).runner);
vi.mock("../../../src/runner/profiles.ts", async () => (await import("./call.ts")).profiles);

const folder = mkdtempSync(join(tmpdir(), "jitproof-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  fake.run = () => [];
});

const at = (name: string) => join(folder, name);
writeFileSync(at("good.yaml"), "title: t\nprograms: { a: exit }\n");
writeFileSync(at("bad.yaml"), "title: t\nprograms: { a: exit }\nexpct: {}\n");
writeFileSync(at("text.json"), "{");
writeFileSync(at("other.json"), '{"results":[{}]}');

/** arguments -> the one line on stderr */
const wrong: [string[], string][] = [
  [["rnu"], 'jitproof: unknown command "rnu"; did you mean "run"?'],
  [["frobnicate"], 'jitproof: unknown command "frobnicate"; expected one of run, matrix'],
  [["help", "rnu"], 'jitproof: unknown command "rnu"; did you mean "run"?'],
  [["run", "--fliter", "x"], "jitproof: unknown option '--fliter'; did you mean --filter?"],
  [["run", "--output"], "jitproof: option '--output <FILE>' argument missing"],
  [["run", "--filter", "(a"], "jitproof: --filter (a is no regular expression: unterminated group"],
  [["run", "--filter", "zzz"], "jitproof: no scenario's name matches --filter zzz (of "],
  [["run", "--profile", "linux-6.13"], 'jitproof: unknown profile "linux-6.13"; did you mean "linux-6.1"?'],
  [
    ["run", "--profile", "bsd-*"],
    'jitproof: no profile matches "bsd-*"; expected one of linux-6.1, linux-6.12, rfc-task-struct-v3',
  ],
  [["run", "--reporter", "jnit"], 'jitproof: unknown reporter "jnit"; did you mean "junit"?'],
  [
    ["run", "--reporter", "html"],
    'jitproof: unknown reporter "html"; expected one of pretty, json, junit, tap, github',
  ],
  [
    ["run", at("good.yaml"), "--output", at("no/such/folder")],
    `${at("no/such/folder")}: cannot be written: its folder does not exist`,
  ],
  [["run", at("good.yaml"), "--output", folder], `${folder}: cannot be written: it is a folder`],
  [["run", "--shard", "3/2"], "jitproof: --shard 3/2: expected I/N with I from 1 to N, e.g. 1/4"],
  [["run", "--shard", "0/2"], "jitproof: --shard 0/2: expected I/N with I from 1 to N, e.g. 1/4"],
  [["run", "--shard", "half"], "jitproof: --shard half: expected I/N with I from 1 to N, e.g. 1/4"],
  [["run", "--jobs", "0"], "jitproof: --jobs 0: expected a number from 1 to 9999"],
  [["run", "--jobs", "1e9"], "jitproof: --jobs 1e9: expected a number from 1 to 9999"],
  [["run", at("none.yaml")], `${at("none.yaml")}: no such file or folder, and no such scenario`],
  [["run", at("bad.yaml")], `${at("bad.yaml")}:3:1: unknown key "expct"; did you mean "expect"?`],
  [["matrix", "--bless"], "jitproof: unknown option '--bless'"],
  [["merge"], "jitproof: missing required argument 'FILE'"],
  [["merge", at("none.json")], `${at("none.json")}: no such file; expected what run --reporter json writes`],
  [["merge", at("text.json")], `${at("text.json")}: is no JSON; expected what run --reporter json writes`],
  [["merge", at("other.json")], `${at("other.json")}: is no report; expected what run --reporter json writes`],
];

describe("bad usage is one line on stderr and exit 2", () => {
  test.each(wrong)("%j", async (args, line) => {
    const { stdout, stderr, code } = await call(...args);
    expect(stderr.slice(0, line.length)).toBe(line);
    expect([stderr.match(/\n/g)?.length, stdout, code]).toEqual([1, "", 2]);
  });
});

describe("help", () => {
  test("on stdout when asked for, on stderr with exit 2 when nothing was asked", async () => {
    const asked = await call("help");
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(await call()).toEqual({ code: 2, stdout: "", stderr: asked.stdout });
    expect(Math.max(...asked.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  test("of a command lists its options", async () => {
    const { stdout, code } = await call("help", "run");
    expect(code).toBe(0);
    for (const option of [
      "--filter",
      "--profile",
      "--reporter",
      "--output",
      "--jobs",
      "--shard",
      "--bless",
      "--no-color",
    ])
      expect(stdout).toContain(option);
    expect((await call("run", "--help")).stdout).toBe(stdout);
  });
});

describe("a bug in jitproof", () => {
  const broken = () => {
    throw new TypeError("x is not\na function");
  };

  test("is one line that asks for a report, without a stack trace, and no verdict", async () => {
    fake.run = broken;
    expect(await call("run", at("good.yaml"))).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "jitproof: a bug in jitproof, please report it (JITPROOF_DEBUG=1 adds the stack): TypeError: x is not a function\n",
    });
  });

  test("shows its stack with JITPROOF_DEBUG=1", async () => {
    fake.run = broken;
    vi.stubEnv("JITPROOF_DEBUG", "1");
    expect((await call("run", at("good.yaml"))).stderr).toMatch(/\n {4}at /);
    vi.unstubAllEnvs();
  });
});

test("a package without an engine for this platform says how to build it", async () => {
  fake.run = () => {
    throw Object.assign(new Error("the engine is not built (no dist/native/...)"), { name: "EngineError" });
  };
  const { stderr, code } = await call("run", at("good.yaml"));
  expect(stderr).toMatch(/^jitproof: there is no engine .* build it with: npx jitproof-setup .*\n$/);
  expect(code).toBe(2);
});

test("what a file contains cannot steer the terminal", async () => {
  writeFileSync(at("escape.yaml"), 'title: t\nprograms: { a: exit }\n"\\e[31m": 1\n');
  expect((await call("run", at("escape.yaml"))).stderr).toContain('unknown key "\\x1b[31m"');
});
