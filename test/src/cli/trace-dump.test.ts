import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const fixture = (name: string): string => new URL(`../../fixtures/dumps/hierarchy.${name}`, import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), "jitproof-trace-dump-"));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, "out.txt");

async function trace(...args: string[]) {
  const { stderr, code } = await call("trace", ...args, "--output", out);
  return { stdout: readFileSync(out, "utf8"), stderr, code };
}

describe("trace of a dump", () => {
  test("every instruction, from where the kernel enters it", async () => {
    const { stdout, stderr, code } = await trace(
      fixture("log"),
      "--kallsyms",
      fixture("kallsyms"),
      "--no-color",
      "--until",
      "instruction 2",
    );
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout.split("\n")).toEqual([
      "run 1: bpf_prog_8a3c5d1f0b2e4967_entry on linux-7.2",
      "=> call bpf_prog_8a3c5d1f0b2e4967_entry, depth 1",
      expect.stringMatching(/^ +0 bpf_prog_8a3c5d1f0b2e4967_entry\+0x0 f30f1efa +endbr64/),
      expect.stringMatching(/^ +1 bpf_prog_8a3c5d1f0b2e4967_entry\+0x4 0f1f440000 +nopl \(%rax,%rax\)/),
      expect.stringMatching(
        /^ +2 bpf_prog_8a3c5d1f0b2e4967_entry\+0x9 4831c0 +xorq %rax, %rax +rax 0xa5a500005eed0000 -> 0x0/,
      ),
      "",
    ]);
  });

  test("all tail calls, and how it ended", async () => {
    const { stdout } = await trace(fixture("jited.txt"), "--no-color");
    expect(stdout.match(/^=> tail call \d+/gm)).toHaveLength(33);
    expect(stdout.trimEnd()).toMatch(/\nreturns 1, 33 tail calls, 1875 instructions, .*: every contract holds$/);
  });

  test("a set of a capture", async () => {
    const capture = new URL("../../fixtures/captures/x86_64-6.12-default.jsonl.br", import.meta.url).pathname;
    const { stdout, code } = await trace(capture, "--entry", "named.hierarchy_direct", "--calls", "--no-color");
    expect(stdout).toContain("33 tail calls taken");
    expect(code).toBe(0);
    const wrong = await call("trace", capture, "--entry", "named.hierarchy_direkt");
    expect(wrong.stderr).toMatch(/has no set "named.hierarchy_direkt"; did you mean "named.hierarchy_direct"\?\n$/);
    expect((await call("trace", capture)).stderr).toMatch(
      /is a capture of \d+ sets; expected --entry with one of them/,
    );
  });

  test("only the calls", async () => {
    const { stdout } = await trace(fixture("jited.json"), "--calls", "--no-color");
    expect(stdout).toContain("69 calls, 33 tail calls taken, 35 not taken, 35 BPF functions deep");
  });

  test.each([
    [["--stack"], /--stack needs a scenario/],
    [["--from", "finding"], /a finding is no point of a dump's trace/],
    [["--from", "tail call 34"], /no run gets to --from/],
    [["--slot", "entry"], /--slot entry: expected INDEX=FUNCTION/],
  ])("%j: one line, exit status 2", async (args, message) => {
    const { stderr, code } = await call("trace", fixture("log"), ...args);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(message)]);
    expect(code).toBe(2);
  });
});
