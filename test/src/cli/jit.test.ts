import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-jit-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const jit = (...args: string[]) => call("jit", ...args);
const golden = (name: string) => `../report/golden/jit/${name}`;

const HIERARCHY = `entry:
  r6 = r1
  call subprog_tail
  r0 = 1
  exit
subprog_tail:
  r2 = jmp_table ll
  r3 = 0
  call bpf_tail_call
  r0 = 0
  exit
`;
const hierarchy = file("hierarchy.s", HIERARCHY);
const declared = ["--map", "jmp_table=prog_array"];

describe("jit", () => {
  test("puts BPF, offset, bytes and AT&T text side by side, with what prologue, tail call and epilogue are made of", async () => {
    const { stdout, stderr, code } = await jit(hierarchy, ...declared, "--profile", "linux-6.12");
    expect([stderr, code]).toEqual(["", 0]);
    await expect(stdout).toMatchFileSnapshot(golden("linux-6.12.txt"));
  });

  test("with --passes, how large the code was after each", async () => {
    // the jump over 20 instructions of 4 bytes needs 6 bytes while they are taken to be 64 bytes each
    const long = file("long.s", `if r1 == 0 goto +20\n${"r1 += 1\n".repeat(20)}r0 = 0\nexit\n`);
    const { stdout } = await jit(long, "--passes", "--profile", "linux-6.12+mitoff");
    expect(stdout.match(/^ {2}pass .*$/gm)).toEqual([
      "  pass 1: 114 bytes",
      "  pass 2: 110 bytes, -4",
      "  pass 3: 110 bytes, stable",
      "  pass 4: 110 bytes, final",
    ]);
  });

  test("as hex, by function", async () => {
    const { stdout } = await jit(hierarchy, ...declared, "--profile", "linux-6.1+mitoff", "--format", "hex");
    expect(stdout).toBe(`hierarchy:
   0:\t0f 1f 44 00 00 31 c0 55 48 89 e5 50 53 48 89 fb
  10:\t48 8b 85 f8 ff ff ff e8 24 00 00 00 b8 01 00 00
  20:\t00 5b c9 c3 cc

hierarchy#subprog_tail:
   0:\t0f 1f 44 00 00 66 90 55 48 89 e5 50 48 be 00 80
  10:\t08 00 81 88 ff ff 31 d2 8b 85 fc ff ff ff 83 f8
  20:\t21 73 14 83 c0 01 89 85 fc ff ff ff e9 06 00 00
  30:\t00 58 0f 1f 44 00 00 31 c0 c9 c3 cc

`);
  });

  test("as JSON, with everything", async () => {
    const { stdout } = await jit(hierarchy, ...declared, "--profile", "linux-6.12", "--format", "json");
    const { programs } = JSON.parse(stdout);
    expect(programs).toHaveLength(1);
    expect(programs[0]).toMatchObject({ program: "hierarchy", profile: "linux-6.12" });
    const [entry, tail] = programs[0].functions;
    expect(entry).toMatchObject({
      name: "hierarchy",
      address: "18446744072635809792",
      patchSite: 4,
      landing: 16,
      frame: { depth: 0, slots: [{ name: "tcc" }, { name: "tcc_ptr" }, { name: "rbx" }] },
    });
    expect(tail.pokes).toEqual([{ insn: 3, map: "jmp_table", key: 0, bypass: 47, target: 58, adjust: 16 }]);
    expect(tail.insns.map((insn: { bytes: string }) => insn.bytes).join("")).toBe(tail.bytes);
    expect(entry.insns.find((insn: { from: unknown[] }) => insn.from.length)).toEqual({
      offset: 35,
      bytes: "4889fb",
      asm: "movq %rdi, %rbx",
      from: [{ insn: 0, text: "r6 = r1", line: 2 }],
    });
  });

  test("as the bare bytes of one program, functions one behind the other", async () => {
    const out = join(folder, "out.bin");
    await jit(hierarchy, ...declared, "--profile", "linux-6.1+mitoff", "--format", "bin", "--output", out);
    const { stdout } = await jit(hierarchy, ...declared, "--profile", "linux-6.1+mitoff", "--format", "hex");
    const hex = stdout
      .replace(/^.*:$/gm, "")
      .replace(/^\s*[0-9a-f]+:/gm, "")
      .replace(/\s/g, "");
    expect(readFileSync(out, "hex")).toBe(hex);
  });

  test("of a scenario: its maps, its programs, --program for one of them; without --profile the newest that it is about", async () => {
    const text = `title: t
profiles: [linux-6.1, linux-6.12]
maps: { slots: { type: prog_array, max_entries: 2 } }
programs:
  entry: |
    r2 = slots ll
    r3 = 1
    call bpf_tail_call
    r0 = 0
    exit
  callee: "r0 = 7\\nexit"
`;
    const scenario = file("two.yaml", text);
    expect((await jit(scenario)).stdout.match(/^\w+ on .*$/gm)).toEqual([
      "entry on linux-6.12",
      "callee on linux-6.12",
    ]);
    const one = await jit(scenario, "--program", "callee", "--profile", "linux-6.1*");
    expect(new Set(one.stdout.match(/^\w+ on linux-6\.1\b/gm))).toEqual(new Set(["callee on linux-6.1"]));
    expect((await jit("hierarchy/two-calls")).stdout).toContain("entry#subprog_tail:");
  });

  test("calls say where they go, jumps in the function by offset", async () => {
    const text = "call bpf_get_prandom_u32\nif r0 == 0 goto +1\nr0 = 2\nexit\n";
    const { stdout } = await jit(file("helper.s", text), "--profile", "linux-6.12");
    expect(stdout).toMatch(/callq 0x[0-9a-f]+ +# to bpf_user_rnd_u32$/m);
    expect(stdout).toMatch(/je \+0x23$/m);
  });
});

describe("bad input is one line", () => {
  const elf = Uint8Array.from(Buffer.from("7f454c4602010100", "hex"));
  const cases: [string, string[], string][] = [
    ["a file that is missing", ["none.s"], "none.s: no such file or folder, and no such scenario"],
    ["a folder", ["."], ".: is a folder; expected BPF assembly"],
    ["an ELF object", [file("a.o", elf)], "a.o: ELF object: is cut short"],
    ["an empty file", [file("empty.s", " \n")], "empty.s: is empty; expected BPF assembly"],
    ["an unknown instruction", [file("typo.s", "r0 = 0\n  eixt\n")], "typo.s:2:3: expected"],
    ["an unknown map", [hierarchy], "hierarchy.s:7:8: expected"],
    ["a fall off the end", [file("fall.s", "r0 = 0\n")], "fall.s:1:1: fall: the verifier of linux-7.2 refuses"],
    ["a map's type", [hierarchy, "--map", "m=arry"], '--map: maps.m.type: unknown name "arry"; did you mean "array"?'],
    ["a map's form", [hierarchy, "--map", "m"], "jitproof: --map m: expected NAME=TYPE[,KEY=N]..., e.g."],
    ["a program's type", [hierarchy, "--type", "xpd"], 'jitproof: unknown program type "xpd"; did you mean "xdp"?'],
    [
      "a program's name",
      ["hierarchy/two-calls", "--program", "enrty"],
      'has no program "enrty"; did you mean "entry"?',
    ],
    ["a format", [hierarchy, "--format", "xml"], "option '--format <F>' argument 'xml' is invalid"],
    ["a profile", [hierarchy, "--profile", "linux-9"], 'jitproof: unknown profile "linux-9"'],
  ];
  test.each(cases)("%s", async (_, args, line) => {
    const { stdout, stderr, code } = await jit(...args);
    expect(stderr).toContain(line);
    expect([stderr.match(/\n/g)?.length, stdout, code]).toEqual([1, "", 2]);
  });

  test("two programs as bare bytes", async () => {
    const two = file("two-programs.yaml", 'title: t\nprograms: { a: "r0 = 0\\nexit", b: "r0 = 0\\nexit" }\n');
    expect((await jit(two, "--format", "bin")).stderr).toBe(
      "jitproof: --format bin writes one program; expected --program with one of a, b\n",
    );
  });
});
