import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-programs-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "s.yaml");

/** `jitproof run` of a scenario with this text, on one kernel: its output with the file's name cut short. */
async function run(text: string, profile = "linux-6.12") {
  writeFileSync(file, text);
  const { stdout, stderr, code } = await call("run", file, "--profile", profile, "--jobs", "1");
  const brief = (output: string) => output.replaceAll(file, "s.yaml");
  return { stdout: brief(stdout), stderr: brief(stderr), code };
}

/** A scenario of one program, whose text begins on line 4. */
const program = (text: string, rest = "") =>
  `title: t\nprograms:\n  main: |\n${text.replaceAll(/^/gm, "    ")}\n${rest}`;

describe("a program that is wrong: one line on stderr with its place, nothing on stdout, exit 2", () => {
  test.each<[what: string, text: string, line: string]>([
    ["an unknown label", "r0 = 0\ngoto nowhere\nexit", 's.yaml:5:10: expected a label, found "nowhere"'],
    [
      "an unknown helper",
      "call bpf_nonsense\nexit",
      's.yaml:4:10: expected a function or a helper, found "bpf_nonsense"',
    ],
    ["an unknown map", "r1 = counter ll\nexit", 's.yaml:4:10: expected a map or a function, found "counter"'],
    [
      "a jump out of range",
      "goto +5\nexit",
      "s.yaml:4:5: main: the verifier of linux-6.12 refuses: jump out of range from insn 0 to 6",
    ],
    [
      "a fall off the end",
      "r0 = 0",
      "s.yaml:4:5: main: the verifier of linux-6.12 refuses: last insn is not an exit or jmp",
    ],
    [
      "a loop without end",
      "again: r0 = 0\ngoto again",
      "s.yaml:4:5: main: the verifier of linux-6.12 refuses: infinite loop detected at insn 0",
    ],
    [
      "a recursion",
      "call f\nexit\nf:\ncall f\nexit",
      "s.yaml:7:5: main: the verifier of linux-6.12 refuses: the call stack of 9 frames is too deep",
    ],
    [
      "a helper without a model",
      "r1 = 1\nr2 = 0\ncall bpf_redirect\nexit",
      "s.yaml:6: the machine has no model of bpf_redirect",
    ],
  ])("%s", async (_, text, line) => {
    expect(await run(program(text))).toEqual({ stdout: "", stderr: `${line}\n`, code: 2 });
  });
});

describe("division by zero is what BPF says", () => {
  test.each<[what: string, text: string, r0: string]>([
    ["a quotient: 0", "r0 = 7\nr1 = 0\nr0 /= r1\nexit", "0"],
    ["a quotient of 32 bits: 0", "r0 = 7\nr1 = 0\nw0 /= w1\nexit", "0"],
    ["a remainder: the dividend", "r0 = 7\nr1 = 0\nr0 %= r1\nexit", "7"],
    ["a remainder of 32 bits: its lower half", "r0 = 0x1122334455667788 ll\nr1 = 0\nw0 %= w1\nexit", "0x55667788"],
    ["the smallest number by -1: itself", "r0 = 0x8000000000000000 ll\nr1 = -1\nr0 s/= r1\nexit", "0x8000000000000000"],
  ])("%s", async (_, text, r0) => {
    const { stdout, stderr, code } = await run(program(text, `expect: { r0: ${r0} }\n`));
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toContain("1 passed, 0 failed");
  });
});

describe("a program that misbehaves as it runs: a finding, exit 1", () => {
  test("a loop that outlasts its budget, told where it was", async () => {
    const text = `r1 = 8000000
r2 = cb ll
r3 = 0
r4 = 0
call bpf_loop
exit
cb:
r0 = 0
exit`;
    const { stdout, stderr, code } = await run(program(text, "budget: 50000\n"));
    expect([stderr, code]).toEqual(["", 1]);
    expect(stdout).toContain("budget  the program is still running after 50000 instructions");
    expect(stdout).toMatch(/s\.yaml:\d+/);
    expect(stdout).toContain("0 passed, 1 failed");
  });

  test("a kernel stack that tail calls from the bottom of nested functions use up", async () => {
    // seven functions of 32 bytes each below 256, then a tail call to the first: 33 times
    const functions = [1, 2, 3, 4, 5, 6].map(
      (n) => `f${n}:\nr6 = r1\nr7 = 1\nr8 = 2\nr9 = 3\n*(u64 *)(r10 - 24) = 0\ncall f${n + 1}\nr0 += r7\nexit`,
    );
    const text = `main:\nr6 = r1\ncall f1\nr0 = 0\nexit\n${functions.join("\n")}
f7:
r6 = r1
r7 = 1
r2 = jmp ll
r3 = 0
call bpf_tail_call
r0 = 0
exit`;
    const maps = "maps: { jmp: { type: prog_array, max_entries: 1, values: { 0: main } } }\n";
    const { stdout, stderr, code } = await run(program(text, maps));
    expect([stderr, code]).toEqual(["", 1]);
    expect(stdout).toMatch(
      /fault {2}write of 8 bytes at 0xffffc90000000ff8 faults: .* \(the kernel stack has overflowed\)/,
    );
    expect(stdout).toMatch(/at {8}main#f\d\+0x/);
  });
});
