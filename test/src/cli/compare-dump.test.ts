import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-compare-dump-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string): string => new URL(`../../fixtures/dumps/hierarchy.${name}`, import.meta.url).pathname;
const changed = (name: string, from: string | RegExp, to: string): string => {
  const file = join(folder, name);
  writeFileSync(file, readFileSync(fixture(name), "utf8").replace(from, to));
  return file;
};

describe("compare of machine code with the BPF it was made from", () => {
  test.each([
    ["jited.json", "xlated.json"],
    ["log", "xlated.txt"],
    ["xlated.json", "jited.txt"],
    ["jitdump", "yaml"],
  ])("%s and %s: our JIT writes the same, the addresses of maps taken from the dump", async (...names) => {
    const { stdout, stderr, code } = await call("compare", ...names.map(fixture), "--no-color");
    expect(stderr).toBe("");
    expect(stdout).toContain("nearest: linux-6.12\n");
    expect(stdout).toMatch(/identical 2 of 2 functions\n$/);
    expect(code).toBe(0);
  });

  test("one byte of a constant differs: where, and both disassembled", async () => {
    // mov eax, 1 -> mov eax, 2, in front of the exit
    const log = changed("log", "b8 01 00 00 00", "b8 02 00 00 00");
    const { stdout, code } = await call("compare", log, fixture("xlated.json"), "--no-color");
    expect(stdout).toContain("function#0+0x5b as loaded  differs");
    expect(stdout).toMatch(/- \+0x05a {2}b802000000 +movl \$0x2, %eax\n +\+ \+0x05a {2}b801000000 +movl \$0x1, %eax/);
    expect(stdout).toMatch(/identical 1 of 2 functions\n$/);
    expect(code).toBe(1);
  });

  test("an address is the same wherever it stands: a call that goes elsewhere differs", async () => {
    const log = changed("log", "e8 1a 00 00 00", "e8 1b 00 00 00");
    const { stdout } = await call("compare", log, fixture("xlated.json"), "--no-color");
    expect(stdout).toMatch(/identical 1 of 2 functions\n$/);
  });

  test("another kernel's JIT, asked for", async () => {
    const { stdout, code } = await call("compare", fixture("log"), fixture("xlated.json"), "--profile", "linux-6.1");
    expect(stdout).toMatch(/identical 0 of 2 functions\n$/);
    expect(code).toBe(1);
  });

  test.each([
    ["only machine code", [fixture("log")], /expected machine code .* and its BPF: prog dump xlated/],
    [
      "twice machine code",
      [fixture("log"), fixture("jited.txt")],
      /expected machine code .* and its BPF: prog dump xlated/,
    ],
    [
      "a scenario of something else",
      [changed("jited.json", /,\{"proto":"int subprog.*/, "]"), fixture("yaml")],
      /hierarchy.yaml: has no program of 1 function, as the machine code is/,
    ],
    [
      "not made from it",
      [changed("jited.json", /,\{"proto":"int subprog.*/, "]"), fixture("xlated.json")],
      /the BPF has 2 functions, the machine code 1/,
    ],
  ])("%s: one line, exit status 2", async (_, files, message) => {
    const { stderr, code } = await call("compare", ...files);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(message)]);
    expect(code).toBe(2);
  });
});
