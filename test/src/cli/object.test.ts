import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const objects = fileURLToPath(new URL("../../fixtures/objects/clang-14", import.meta.url));
const object = (name: string) => join(objects, `${name}.bpf.o`);
const scratch = mkdtempSync(join(tmpdir(), "jitproof-object-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const on = ["--profile", "linux-6.12"];
const run = (name: string, ...args: string[]) => call("run", object(name), ...on, ...args);
const lines = (text: string) => text.replaceAll(`${objects}/`, "").replace(/ in [\d.]+ m?s$/m, "");

describe("run OBJECT", () => {
  test.each([
    [
      "the counts of the issue",
      "hierarchy_1",
      ["--slot", "jmp_table[0]=entry", "--expect", "r0=1", "--expect", "tail_calls=33"],
    ],
    ["a variable", "hierarchy_1", ["--slot", "jmp_table[0]=entry", "--expect", "count=34"]],
    ["all slots by a rule", "tailcall_1", ["--entry", "entry", "--slot", "jmp_table=classifier_*", "--expect", "r0=0"]],
    ["slots that the declaration fills", "hierarchy_2", ["--entry", "entry", "--expect", "r0=33"]],
    ["an element of a map", "legacy", ["--slot", "jmp_table[1]=entry", "--expect", "counters[2]=34"]],
    [
      "a variable that is set",
      "tailcall_4",
      ["--entry", "entry", "--slot", "jmp_table=classifier_*", "--set", "selector=2", "--expect", "r0=2"],
    ],
    [
      "a packet in hex",
      "bpf2bpf_2",
      [
        "--entry",
        "entry",
        "--slot",
        "jmp_table=classifier_*",
        "--ctx-skb",
        `01${"00".repeat(59)}`,
        "--expect",
        "count=33",
      ],
    ],
    [
      "another packet, which makes no tail call",
      "bpf2bpf_2",
      ["--entry", "entry", "--slot", "jmp_table=classifier_*", "--ctx-skb", "00".repeat(60), "--expect", "count=1"],
    ],
    ["functions of every kind", "functions", ["--entry", "entry", "--expect", "r0=29", "--expect", "sum=10"]],
    [
      "variables of every section",
      "variables",
      [
        "--entry",
        "entry",
        "--set",
        "LINUX_KERNEL_VERSION=0",
        "--expect",
        "zeroed=[0, 7, 99]",
        "--expect",
        "hidden=3",
        "--expect",
        "r0=8",
      ],
    ],
    [
      "a value of the configuration",
      "variables",
      ["--entry", "version", "--set", "LINUX_KERNEL_VERSION=0x60c00", "--expect", "r0=6"],
    ],
    ["XDP", "sections", ["--entry", "xdp_pass", "--expect", "r0=2"]],
    ["arguments", "sections", ["--entry", "raw", "--ctx-args", "1,2", "--expect", "r0=0"]],
    [
      "what a kernel's types decide",
      "core",
      ["--entry", "guarded", "--btf", object("core_kernel"), "--expect", "r0=7"],
    ],
    [
      "a tracer",
      "hierarchy_fexit",
      ["--slot", "jmp_table[0]=entry", "--entry", "entry", "--attach", "fexit", "--expect", "fexit_count=68"],
    ],
    ["helpers", "functions", ["--entry", "second", "--expect", "helpers.bpf_get_prandom_u32=0"]],
  ])("%s", async (_, name, args) => {
    const { stdout, stderr, code } = await run(name, ...args);
    expect([stderr, code], stdout).toEqual(["", 0]);
  });

  test("a constant that user space changes brings dead code to life", async () => {
    const set = ["--entry", "entry", "--set", "LINUX_KERNEL_VERSION=0", "--set", "limit=6"];
    expect((await run("variables", ...set, "--expect", "helpers.bpf_get_prandom_u32=1")).code).toBe(0);
    const listing = async (...args: string[]) =>
      (await call("jit", object("variables"), "--set", "LINUX_KERNEL_VERSION=0", ...on, "--program", "entry", ...args))
        .stdout;
    expect(await listing("--set", "limit=6")).toContain("# to bpf_user_rnd_u32");
    expect(await listing()).not.toContain("# to bpf_user_rnd_u32");
  });

  test("a finding names the C line", async () => {
    const args = ["--slot", "jmp_table[0]=entry", "--expect", "r0=1"];
    const { stdout, code } = await call("run", object("hierarchy_1"), "--profile", "linux-6.1", ...args);
    expect(code).toBe(1);
    expect(lines(stdout)).toContain(`
        at        entry#subprog_tail+0x24  movl -0x4(%rbp), %eax
        from      insn 6  tail_call poke[0]
        source    hierarchy_1.c:23  bpf_tail_call_static(skb, &jmp_table, 0);
`);
  });

  test("an expectation that fails says so without a line", async () => {
    const { stdout, code } = await run(
      "bpf2bpf_6",
      "--entry",
      "entry",
      "--slot",
      "jmp_table=classifier_*",
      "--expect",
      "done=2",
    );
    expect(code).toBe(1);
    expect(lines(stdout)).toBe(`✗ bpf2bpf_6  bpf2bpf_6.bpf.o: entry
    linux-6.12
      expect.variables.done  expected 2, found 1
        at        bpf2bpf_6.bpf.o
0 passed, 1 failed
`);
  });
});

test("jit and trace show the C line of each instruction", async () => {
  const { stdout } = await call("jit", object("hierarchy_1"), ...on);
  expect(stdout).toContain("\n; hierarchy_1.c:33  count++;\n");
  const out = join(scratch, "trace.txt");
  const trace = await call("trace", object("hierarchy_1"), ...on, "--output", out);
  expect([trace.stderr, trace.code]).toEqual(["", 0]);
  expect(readFileSync(out, "utf8")).toContain(": r6 = r1  hierarchy_1.c:28  int entry(struct __sk_buff *skb)\n");
});

describe("what is wrong with an object is one line", () => {
  const bytes = readFileSync(object("hierarchy_1"));
  const file = (name: string, change: (copy: Buffer) => Uint8Array) => {
    const path = join(scratch, name);
    writeFileSync(path, change(Buffer.from(bytes)));
    return path;
  };
  const set = (offset: number, value: number) => (copy: Buffer) => {
    copy[offset] = value;
    return copy;
  };
  test.each<[string, string, string[], string]>([
    ["cut short", file("cut.o", (copy) => copy.subarray(0, 3000)), [], "cut.o: ELF object: is cut short: expected"],
    [
      "big-endian",
      file("big.o", set(5, 2)),
      [],
      "big.o: ELF object: is big-endian; expected little-endian (clang --target=bpfel)",
    ],
    ["32 bits", file("small.o", set(4, 1)), [], "small.o: ELF object: is not of 64 bits"],
    [
      "another machine's",
      file("x86.o", set(18, 62)),
      [],
      "x86.o: ELF object: is for x86-64; expected BPF (clang --target=bpf)",
    ],
    [
      "linked",
      file("linked.o", set(16, 2)),
      [],
      "linked.o: ELF object: has type 2; expected a relocatable object (clang -c)",
    ],
    [
      "without programs",
      object("core_kernel"),
      [],
      'core_kernel.bpf.o: has no program: no function is in a section such as SEC("tc")',
    ],
    ["of many programs", object("unsupported"), [], "unsupported.bpf.o: has 6 programs; expected --entry with one of"],
    [
      "a program that is not there",
      object("tailcall_4"),
      ["--entry", "clasifier_0"],
      'tailcall_4.bpf.o: has no program "clasifier_0"; did you mean "classifier_0"?',
    ],
    [
      "a map type",
      object("unsupported"),
      ["--entry", "ring"],
      "unsupported.bpf.o: ring: section tc: function ring: symbol events is a map of type ringbuf, which is not modelled",
    ],
    [
      "a variable of the kernel",
      object("unsupported"),
      ["--entry", "variable"],
      "unsupported.bpf.o: variable: section tc: function variable: symbol bpf_prog_active is a variable of the kernel",
    ],
    [
      "a function of the kernel",
      object("unsupported"),
      ["--entry", "kfunc"],
      "unsupported.c:45:2: kfunc: the verifier of linux-6.12 refuses: calling kernel function bpf_made_up is not allowed",
    ],
    [
      "a function that is not there",
      object("unsupported"),
      ["--entry", "undefined"],
      "unsupported.bpf.o: undefined: section tc: function undefined: symbol elsewhere is called, but not defined in this object",
    ],
    [
      "a call of a program",
      object("unsupported"),
      ["--entry", "calls_program"],
      "unsupported.bpf.o: calls_program: section tc: function calls_program calls good, which is a program",
    ],
    [
      "a program type",
      object("sections"),
      ["--entry", "call"],
      "sections.bpf.o: call: programs of section syscall are not modelled",
    ],
    [
      "a section's name",
      object("sections"),
      ["--entry", "unknown"],
      "sections.bpf.o: unknown: section made/up is no kind of program that libbpf knows",
    ],
    [
      "nothing to attach to",
      object("sections"),
      ["--entry", "on_exit"],
      "sections.bpf.o: on_exit: it is attached to nowhere, which is no function of this object's programs",
    ],
    [
      "a value that is not told",
      object("variables"),
      ["--entry", "version"],
      "variables.bpf.o: object: asks for LINUX_KERNEL_VERSION of the kernel's configuration",
    ],
    [
      "a member that the kernel lacks",
      object("core"),
      ["--entry", "unguarded", "--btf", object("core_kernel")],
      "core.c:92:12: unguarded: the verifier of linux-6.12 refuses: struct thing, removed is not in the kernel's types",
    ],
    [
      "a BTF file that is none",
      object("core"),
      ["--entry", "load", "--btf", fileURLToPath(import.meta.url)],
      "object.test.ts: BTF: expected BTF, which begins with 9f eb",
    ],
    [
      "an unknown variable",
      object("hierarchy_1"),
      ["--expect", "cuont=1"],
      'hierarchy_1.bpf.o: expect.variables: unknown variable "cuont"; did you mean "count"?',
    ],
    [
      "an unknown slot's program",
      object("hierarchy_1"),
      ["--slot", "jmp_table[0]=exit"],
      'hierarchy_1.bpf.o: values.jmp_table.0: unknown program "exit"',
    ],
    [
      "a slot's form",
      object("hierarchy_1"),
      ["--slot", "jmp_table=entry"],
      "jitproof: --slot jmp_table=entry: expected MAP[N]=PROGRAM, or MAP=PREFIX* for PREFIX0, PREFIX1, ...",
    ],
    [
      "an expectation's form",
      object("hierarchy_1"),
      ["--expect", "r0"],
      "jitproof: --expect r0: expected NAME=VALUE or MAP[KEY]=VALUE",
    ],
    [
      "an expectation's value",
      object("hierarchy_1"),
      ["--expect", "r0=one"],
      'hierarchy_1.bpf.o: expect.r0: expected an integer from -2^63 to 2^64-1, found "one"',
    ],
    [
      "a packet",
      object("hierarchy_1"),
      ["--ctx-skb", "xyz"],
      "jitproof: --ctx-skb xyz: expected hex bytes such as 08004500 or a file",
    ],
  ])("%s", async (_, path, args, message) => {
    const { stdout, stderr, code } = await call("run", path, ...on, ...args);
    expect([stdout, code]).toEqual(["", 2]);
    expect(stderr.replaceAll(/\S*\/(?=[\w.]+\.o:|object\.test)/g, "")).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("options for objects without one", async () => {
    const { stderr, code } = await call("run", "basics", "--entry", "x");
    expect([stderr, code]).toEqual(["jitproof: --entry is for an ELF object; none is named\n", 2]);
  });
});
