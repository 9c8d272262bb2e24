import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-dumps-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string): string => new URL(`../../fixtures/dumps/hierarchy.${name}`, import.meta.url).pathname;
const write = (name: string, content: string | Uint8Array): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

/** Code of a program for 6.12, its body in hex: what 6.12 writes in front of a body and behind it, without endbr64. */
const PROLOGUE = "0f1f440000 0f1f00 55 4889e5";
const EPILOGUE = "c9 c3 cc";

describe("replay of a dump", () => {
  test.each(["jited.json", "jited.txt", "log", "jitdump"])(
    "%s: 33 tail calls, and every contract holds",
    async (name) => {
      const { stdout, stderr, code } = await call("replay", fixture(name), "--no-color");
      expect(stderr).toBe("");
      expect(stdout).toMatch(
        /✓ \S+ {2}returns 1, 33 tail calls, \d+ instructions, \d+ bytes of stack: every contract holds/,
      );
      expect(code).toBe(0);
    },
  );

  test("what was recognised is printed", async () => {
    const { stdout } = await call("replay", fixture("log"), "--kallsyms", fixture("kallsyms"), "--no-color");
    expect(stdout.split("\n").slice(1)).toEqual([
      "  bpf_prog_8a3c5d1f0b2e4967_entry  0xffffffffc0000758, 99 bytes",
      "    prologue    a count begins here, 0 bytes of stack, saves rbx, endbr64",
      "    landing     +0x10, an endbr64",
      "    patch site  +0x4",
      "    leaves      +0x46 +0x55  call bpf_prog_de79f54d7c4d8e1b_subprog_tail",
      "  bpf_prog_de79f54d7c4d8e1b_subprog_tail  0xffffffffc00007cc, 68 bytes",
      "    prologue    a subprogram that hands the count on, 0 bytes of stack, saves no register, endbr64",
      "    landing     +0x10, an endbr64",
      "    patch site  +0x4",
      "    tail call   direct, +0x22 to +0x3f, up to 33, bypass +0x2f, target +0x3a: to bpf_prog_8a3c5d1f0b2e4967_entry+0x10",
      "✓ bpf_prog_8a3c5d1f0b2e4967_entry  returns 1, 33 tail calls, 1875 instructions, 1392 bytes of stack: every contract holds",
      "",
    ]);
  });

  test("addresses that bpftool does not tell follow from calls", async () => {
    const { stdout } = await call("replay", fixture("jited.json"), "--no-color");
    expect(stdout).toContain(
      "! addresses are not in the dump: the first is made up, 1 follow from calls (--kallsyms FILE gives real ones)",
    );
  });

  test("a subprogram alone: called by a program made up for it, as it cannot do without a count", async () => {
    const { stdout, code } = await call("replay", fixture("log"), "--no-color", "--entry", "function#1");
    expect(stdout).toMatch(/✓ function#1 {2}returns 1, 33 tail calls/);
    expect(code).toBe(0);
  });

  test("a tail call to a program that is not in the dump: one stands in for it, and returns 0", async () => {
    const log = readFileSync(fixture("log"), "utf8");
    const file = write("alone.log", log.slice(log.indexOf("[ 1042.118325] flen=8")));
    const { stdout, code } = await call("replay", file, "--no-color");
    expect(stdout).toMatch(/✓ function#0 {2}returns 0, 1 tail call, \d+ instructions/);
    expect(code).toBe(0);
  });

  test("a C function scratches all that it may: code that relies on r8 breaks, its finding names the instruction", async () => {
    // mov r8d, 7; call far away; mov rax, [r8]
    const bytes = `${PROLOGUE} 41b807000000 e800000040 498b00 ${EPILOGUE}`.replaceAll(" ", "");
    const file = write("scratched.bin", Buffer.from(bytes, "hex"));
    const { stdout, code } = await call("replay", file, "--at", "0xffffffffc0001000", "--no-color");
    expect(stdout).toContain("✗ function#0  does not return, 0 tail calls");
    expect(stdout).toMatch(/fault {2}read of 8 bytes at 0xdead00080bad0008 faults: nothing is mapped there/);
    expect(stdout).toMatch(/at +function#0\+0x17 {2}movq \(%r8\), %rax/);
    expect(code).toBe(1);
  });

  test("a callee-saved register that is not given back", async () => {
    const bytes = `${PROLOGUE} bb01000000 31c0 ${EPILOGUE}`; // mov ebx, 1; xor eax, eax
    const { stdout, code } = await call("replay", write("rbx.hex", bytes), "--no-color");
    expect(stdout).toMatch(/callee-saved {2}function#0 did not preserve rbx/);
    expect(code).toBe(1);
  });

  test("what a C function returns can be said", async () => {
    const bytes = `${PROLOGUE} e800000040 ${EPILOGUE}`;
    const file = write("returns.hex", bytes);
    const { stdout } = await call(
      "replay",
      file,
      "--at",
      "ffffffff00000000",
      "--returns",
      "0xffffffff40000011=42",
      "--no-color",
    );
    expect(stdout).toContain("returns 42, ");
  });

  test("indirect tail calls find what --slot says: a 6.1 counts past the limit", async () => {
    const file = new URL("../../fixtures/dumps/hierarchy-6.1.log", import.meta.url).pathname;
    const empty = await call("replay", file, "--no-color");
    expect(empty.stdout).toMatch(/✓ function#0 {2}returns 1, 0 tail calls/);
    const filled = await call("replay", file, "--slot", "0=function#0", "--no-color");
    expect(filled.stdout).toContain("prologue of Linux 5.17 to 6.11: eax carries the count");
    expect(filled.stdout).toContain(
      "tail call 34 of one entry is taken: since the 33rd, a call returned to function#0+0x35",
    );
    expect([empty.code, filled.code]).toEqual([0, 1]);
  });

  test("as JSON, for programs", async () => {
    const out = join(folder, "out.json");
    const { code } = await call("replay", fixture("log"), "--reporter", "json", "--output", out);
    const { results } = JSON.parse(readFileSync(out, "utf8"));
    expect(results).toMatchObject([
      { scenario: "function#0", profile: "linux-7.2", verdict: "pass", tailCalls: "33", r0: "1" },
    ]);
    expect(code).toBe(0);
  });

  test.each([
    ["no such file", [join(folder, "missing")], /missing: no such file\n$/],
    ["BPF instead of machine code", [fixture("xlated.json")], /is BPF, not machine code/],
    ["an entry that is not there", [fixture("log"), "--entry", "nobody"], /has no function "nobody"/],
    ["a wrong address", [fixture("log"), "--at", "here"], /--at here: expected an address/],
    [
      "arm64's code",
      [write("arm64.hex", "5f2403d5 e9031eaa 1f2003d5 3f2303d5 fd7bbfa9")],
      /arm64.hex:1:1: function#0\+0x3: \w+ is no x86-64 instruction: this is arm64's/,
    ],
  ])("%s: one line, exit status 2", async (_, args, message) => {
    const { stderr, code } = await call("replay", ...args);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
