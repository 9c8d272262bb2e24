import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const FIXTURES = new URL("../../fixtures/conformance", import.meta.url).pathname;
const VECTORS = join(FIXTURES, "vectors.jsonl");
const DATA = join(FIXTURES, "data");
const folder = mkdtempSync(join(tmpdir(), "jitproof-conformance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const conformance = (...args: string[]) => call("conformance", ...args, "--no-color");
/** Times differ from run to run. */
const timeless = (text: string): string[] =>
  text
    .trimEnd()
    .replace(/\d+(\.\d+)? m?s$/gm, "T")
    .split("\n");

describe("jitproof conformance", () => {
  test("a vector file: a line for each place, and how many cases passed and were JITed", async () => {
    const { stdout, code } = await conformance(VECTORS, "--profile", "linux-6.1", "--profile", "linux-6.12+harden");
    expect(timeless(stdout)).toEqual([
      "linux-6.1          13 passed, 0 failed, 12 JITed  T",
      "linux-6.12+harden  13 passed, 0 failed, 12 JITed  T",
      "1 case made with a stub for a random generator: its numbers are put in again",
      "1 case made for a big-endian CPU: its results are confirmed, ours are held against the interpreter's",
      "13 passed, 0 failed, 12 JITed in T",
    ]);
    expect(code).toBe(0);
  });

  test("a folder: what does not apply, and why", async () => {
    const { stdout, code } = await conformance(DATA, "--interpreter", "--profile", "linux-6.1");
    expect(timeless(stdout)).toEqual([
      "not applicable:",
      "- errors/nothing: it says neither a result nor an error",
      expect.stringMatching(/^- errors\/out-of-bounds on linux-6\.1: a kernel's verifier refuses it/),
      "- signed on linux-6.1: linux-6.1 does not load it: BPF_ALU uses reserved fields",
      "interpreter  9 passed, 0 failed, 1 not applicable  T",
      "linux-6.1    7 passed, 0 failed, 3 not applicable, 6 JITed  T",
      "9 passed, 0 failed, 1 not applicable, 6 JITed in T",
    ]);
    expect(code).toBe(0);
  });

  test("without --profile: the interpreter and the newest kernel; --interpreter alone: nothing is JITed", async () => {
    const both = timeless((await conformance(DATA, "--filter", "^raw$")).stdout);
    expect(both).toHaveLength(3);
    expect(both[0]).toBe("interpreter  1 passed, 0 failed  T");
    expect(both[1]).toMatch(/^linux-\d+\.\d+ +1 passed, 0 failed, 1 JITed {2}T$/);
    expect(timeless((await conformance(DATA, "--filter", "^raw$", "--interpreter")).stdout)).toEqual([
      "interpreter  1 passed, 0 failed  T",
      "1 passed, 0 failed in T",
    ]);
  });

  test("a failure names case, run, expected and actual, and where they stand", async () => {
    const file = join(folder, "wrong.data");
    writeFileSync(file, "-- asm\nmov %r0, 1\nexit\n-- result\n2\n");
    const { stdout, code } = await conformance(file, "--profile", "linux-6.12");
    expect(timeless(stdout)).toEqual([
      "✗ wrong on linux-6.12",
      "    result  expected 0x2, found 0x1",
      `      at        ${file}:5:1`,
      "linux-6.12  0 passed, 1 failed, 1 JITed  T",
      "0 passed, 1 failed, 1 JITed in T",
    ]);
    expect(code).toBe(1);
  });

  test("a case that fails anywhere has failed", async () => {
    const signed = [VECTORS, "--filter", "signed division"];
    const { stdout, code } = await conformance(...signed, "--interpreter", "--profile", "linux-5.4");
    expect(timeless(stdout).slice(-3)).toEqual([
      "interpreter  1 passed, 0 failed  T",
      "linux-5.4    0 passed, 1 failed, 1 JITed  T",
      "0 passed, 1 failed, 1 JITed in T",
    ]);
    expect(code).toBe(1);
  });

  test("other reports", async () => {
    const json = JSON.parse((await conformance(DATA, "--interpreter", "--reporter", "json")).stdout);
    expect(json.summary).toMatchObject({ passed: 9, failed: 0, skipped: 1 });
    expect(json.results[0]).toMatchObject({
      scenario: "atomics",
      profile: "interpreter",
      verdict: "pass",
      jited: false,
    });
    const junit = (await conformance(VECTORS, "--interpreter", "--reporter", "junit")).stdout;
    expect(junit).toContain('<testsuites name="jitproof" tests="13" failures="0" skipped="0"');
    const tap = (await conformance(DATA, "--interpreter", "--reporter", "tap")).stdout;
    expect(tap).toContain("ok 4 - errors/nothing on interpreter # SKIP it says neither a result nor an error");
  });
});

describe("jitproof conformance --plugin", () => {
  const PROGRAM = "b7  00  00  00  2a  00  00  00  95  00  00  00  00  00  00  00  ";

  test("R0 in hex", async () =>
    expect(await conformance("--plugin", "--program", PROGRAM)).toEqual({ stdout: "2a\n", stderr: "", code: 0 }));

  test("the memory is one argument", async () => {
    const load = "711001000000000095000000 00000000";
    const { stdout } = await conformance("--plugin", "aa  bb  ", "--program", load, "--profile", "linux-6.1");
    expect(stdout).toBe("bb\n");
  });

  test("as bpf_conformance's runner calls it: nothing but the memory and its options", async () => {
    const load = "711001000000000095000000 00000000";
    const { stdout } = await conformance("aa  bb  ", "--program", load, "--profile", "linux-6.1");
    expect(stdout).toBe("bb\n");
    expect(await conformance("--program", PROGRAM)).toEqual({ stdout: "2a\n", stderr: "", code: 0 });
  });

  test("a program that is refused: one line on stderr, and 1", async () =>
    expect(await conformance("--plugin", "--program", PROGRAM.slice(0, 32))).toEqual({
      stdout: "",
      stderr: "slot 0: the function at slot 0 runs off its end: its last instruction is no exit and no goto\n",
      code: 1,
    }));
});

describe("bad usage is one line, and 2", () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const typo = join(folder, "typo.data");
  writeFileSync(typo, "-- asm\nmvo %r0, 1\nexit\n-- result\n1\n");
  test.each([
    [[], "jitproof: which suite? expected vector files, .data files or folders of them"],
    [["nowhere"], "nowhere: no such file or folder"],
    [[empty], `${empty}: has no .data files in it`],
    [["package.json"], "package.json: expected a vector file (.jsonl, .jsonl.gz, .jsonl.br), a .data file or a folder"],
    [[typo], `${typo}:2:1: expected a mnemonic, found "mvo"; did you mean mov?`],
    [["--plugin", "aa", "bb"], "jitproof: --plugin takes one argument: the memory, in hex"],
    [["--plugin", "--program", "zz"], 'jitproof: the program: expected hex bytes, found "z" after 0 of them'],
    [
      ["--plugin", "--program", "00", "--profile", "linux-6.*"],
      "jitproof: --plugin runs a program in one place: one --profile, or --interpreter",
    ],
    [[DATA, "--profile", "linux-6.13"], expect.stringMatching(/^jitproof: unknown profile "linux-6\.13"/)],
  ])("%j", async (args, line) => {
    const { stdout, stderr, code } = await conformance(...args);
    expect({ stdout, stderr: stderr.trimEnd(), code }).toEqual({ stdout: "", stderr: line, code: 2 });
  });

  test.each([
    ["-- mem\nxy\n-- asm\nexit\n-- result\n1", '2:1: expected a byte in hex, found "xy"'],
    ["-- raw\n0x1 what\n-- result\n1", '2:5: expected an instruction (a number of 64 bits), found "what"'],
    ["-- asm\nexit\n-- result\n0x10000000000000000", '4:1: expected a number of 64 bits, found "0x10000000000000000"'],
    ["asm\nexit", "1:1: expected a section, such as -- asm"],
    ["-- mem @ nothing.hex\n-- asm\nexit\n-- result\n1", " names nothing.hex, which is not beside it"],
  ])("%j", async (text, message) => {
    const file = join(folder, "bad.data");
    writeFileSync(file, text);
    expect((await conformance(file)).stderr.trimEnd()).toBe(`${file}:${message}`);
  });
});
