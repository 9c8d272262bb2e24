import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { assembleScenario } from "../../../../src/runner/build.ts";
import { runScenario } from "../../../../src/runner/scenario.ts";
import { parseScenario } from "../../../../src/scenario/load.ts";
import { call } from "../../cli/call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-code-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A scenario of one program that expects this code on linux-6.12. */
const withCode = (xlated: string, jited: string): string => `title: t
profiles: [linux-6.1, linux-6.12]
maps: { slots: { type: prog_array, max_entries: 1, values: { 0: entry } } }
programs:
  entry: |
    r2 = slots ll
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
expect:
  xlated:
    entry: |
      ${xlated.replaceAll("\n", "\n      ")}
  jited:
    linux-6.1: { entry: ... }
    linux-6.12*:
      entry: |
        ${jited.replaceAll("\n", "\n        ")}
`;

function run(text: string, profile = "linux-6.12") {
  const scenario = parseScenario(text, "t.yaml");
  return runScenario(scenario, assembleScenario(scenario), profile);
}

// the map has its entry, so the tail call is patched in: a jump to where the program's own prologue lets tail calls in
const JITED = `L0: endbr64
cmpq $0x21, %rax
ja L1
pushq %rax
movq %rsp, %rax
jmp L2
L1: pushq %rax
L2: pushq %rax
...
jae L3
nopl (%rax,%rax)
addq $0x1, (%rax)
popq {{%r..}}
popq %rax
jmp L0
L3: xorl %eax, %eax
leave`;

test("code that is as expected passes, the tail call patched as the map's values ask for", () => {
  const result = run(withCode("0: r2 = map[slots]\n2: r3 = 0\n3: call bpf_tail_call#12", JITED));
  expect([result.verdict, result.mismatches]).toEqual(["pass", []]);
});

test("other code fails at the line that does not match; a profile is held against its own text", () => {
  const text = withCode("r2 = map\n2: r3 = 1", JITED.replace("jae L3", "ja L3"));
  const [xlated, jited] = run(text).mismatches;
  expect(xlated).toEqual({
    path: "expect.xlated.entry",
    expected: "r2 = map\n2: r3 = 1\n",
    actual: "r2 = map\n2: r3 = 0\n",
    line: 15,
    column: 7,
  });
  expect(jited).toMatchObject({ path: "expect.jited.linux-6.12*.entry", line: 29, column: 9 });
  expect(jited.actual).toBe(`${JITED}\n`);
  expect(run(text, "linux-6.1").mismatches.map(({ path }) => path)).toEqual(["expect.xlated.entry"]);
});

test("a pattern that is no regular expression is bad input", () => {
  expect(() => run(withCode("exit", "endbr64\njmp {{*}}"))).toThrow(
    /^expect\.jited\.linux-6\.12\*\.entry: jmp \{\{\*\}\}: \{\{\.\.\.\}\} is no regular expression/,
  );
});

test("--bless writes what came out, and keeps gaps, patterns and comments", async () => {
  const file = join(folder, "bless.yaml");
  const wanted = withCode("2: r3 = 0\ncall", JITED);
  writeFileSync(file, wanted.replace("2: r3 = 0", "2: r3 = 9").replace("jae L3", "jb L3"));
  const { code, stderr } = await call("run", file, "--bless");
  expect([code, stderr]).toEqual([0, "blessed 2 expectations in 1 file\n"]);
  expect(readFileSync(file, "utf8")).toBe(wanted);
});
