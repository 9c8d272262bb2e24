import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, "out.txt");

/** What the trace wrote, and how it ended. */
async function trace(...args: string[]) {
  rmSync(out, { force: true });
  const { stdout, stderr, code } = await call("trace", ...args, "--output", out);
  return { text: stdout + readFileSync(out, "utf8"), stderr, code };
}

const small = join(folder, "small.s");
writeFileSync(small, "r6 = 5\ncall f\nr0 += r6\nexit\nf: r0 = 1\nexit\n");

describe("trace", () => {
  test("a line for each instruction, the BPF instruction and how control came above it", async () => {
    const { text, stderr, code } = await trace(small, "--profile", "linux-6.1+mitoff");
    expect([stderr, code]).toEqual(["", 0]);
    await expect(text).toMatchFileSnapshot("../report/golden/trace/small.txt");
  });

  test("from a point until another", async () => {
    const calls = await trace(
      "hierarchy/two-calls",
      "--profile",
      "linux-6.12",
      "--from",
      "tail call 33",
      "--until",
      "subprog_tail",
    );
    expect(calls.text.match(/^(=>|<=).*$/gm)).toEqual([
      "=> tail call 33 entry, depth 34",
      "=> call entry#subprog_tail, depth 35",
    ]);
  });

  test("from the finding on, where a contract breaks", async () => {
    const { text } = await trace("hierarchy/two-calls", "--profile", "linux-6.1", "--from", "finding");
    expect(text.match(/^ +\d+ .*$/gm)?.[0]).toMatch(/entry#subprog_tail\+0x18 .* # tail call, direct/);
    expect(text.trimEnd()).toMatch(/to entry\+0xb$/);
  });

  test("as one JSON object a line", async () => {
    const { text } = await trace(small, "--json", "--profile", "linux-6.1+mitoff");
    const steps = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(steps.map(({ index }) => index)).toEqual(steps.map((_, i) => i));
    expect(steps.find(({ bpf }) => bpf?.[0].text === "r6 = 5")).toEqual({
      index: 5,
      run: 1,
      icount: 5,
      pc: "18446744072635809804",
      function: "small",
      offset: 12,
      bytes: "bb05000000",
      asm: "movl $0x5, %ebx",
      bpf: [{ insn: 0, text: "r6 = 5", line: 1 }],
      registers: { rbx: { old: "11935946401892859907", now: "5" } },
      writes: [],
    });
    const push = steps.find(({ asm }) => asm === "pushq %rbx");
    expect(push.writes).toEqual([expect.objectContaining({ place: "rbx", size: 8, now: "11935946401892859907" })]);
  });

  test("a program that is attached to a kernel function runs where that is called", async () => {
    const { text } = await trace("trampolines/arguments-on-the-stack", "--calls", "--profile", "linux-6.12");
    expect(text).toContain(`run 1: fexit on linux-6.12
bpf_testmod_fentry_test11
└─ call bpf_trampoline_bpf_testmod_fentry_test11
`);
    expect(text).toContain("├─ call fexit\n");
  });

  test("--calls: the tree; --stack: pictures; both as JSON, too", async () => {
    expect((await trace("hierarchy/two-calls", "--calls", "--profile", "linux-6.12")).text).toContain(
      "tail call entry, 33 of them, each in the one before",
    );
    const tree = JSON.parse((await trace("hierarchy/two-calls", "--calls", "--json", "--profile", "linux-6.12")).text);
    expect(tree).toMatchObject({
      run: 1,
      program: "entry",
      tailCalls: 33,
      refused: 35,
      tree: [{ count: 1, node: { name: "entry" } }],
    });
    const stack = (await trace("hierarchy/two-calls", "--stack", "--profile", "linux-6.12")).text;
    expect(stack.match(/^tail call \d+: entry/gm)).toHaveLength(33);
    const pictures = (await trace("hierarchy/two-calls", "--stack", "--json", "--profile", "linux-6.12")).text
      .trimEnd()
      .split("\n");
    expect(JSON.parse(pictures[32])).toMatchObject({ run: 1, tailCall: 33, callee: "entry" });
    expect((await trace(small, "--stack")).text).toBe("run 1: small on linux-7.2\nno tail call is taken\n");
  });
});

describe("bad input is one line", () => {
  test.each([
    [[small, "--from", "nowhere land"], "jitproof: nowhere land is no point of a trace: expected FUNCTION[:N], "],
    [[small, "--from", "g"], `${small}: no run on linux-7.2 gets to --from`],
    [[small, "--until", "tail call 1"], `${small}: no run on linux-7.2 gets to --until`],
    [[small, "--from", "finding"], `${small}: breaks no contract on linux-7.2: there is no finding`],
    [[small, "--calls", "--from", "f"], "jitproof: option '--calls' cannot be used with option '--from <POINT>'"],
    [[folder], `${folder}: is a folder; expected BPF assembly`],
    [["hierarchy"], "hierarchy: is a folder of "],
  ])("%j", async (args, line) => {
    const { stderr, code } = await call("trace", ...args, "--output", out);
    expect(stderr.slice(0, line.length)).toBe(line);
    expect([stderr.match(/\n/g)?.length, code]).toEqual([1, 2]);
  });
});
