import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-xlated-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "p.s");
  writeFileSync(path, text);
  return path;
}

const SPILL = `p:
  r1 = 7
  *(u64 *)(r10 - 8) = r1
  call bpf_get_smp_processor_id
  r1 = *(u64 *)(r10 - 8)
  r2 = slots ll
  call sub
  exit
sub:
  r0 = r1
  exit
`;
const jit = (text: string, ...args: string[]) =>
  call("jit", file(text), "--map", "slots=prog_array", "--xlated", ...args);

describe("jit --xlated", () => {
  test("shows each instruction beside what became of it, and what was saved", async () => {
    const { stdout, stderr, code } = await jit(SPILL, "--profile", "linux-6.12");
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toBe(`p on linux-6.12

p: 7 instructions become 7, 2 spills and fills removed, stack 8 -> 0 bytes, code 75 -> 60 bytes
   0: r1 = 7                              0: r1 = 7
   1: *(u64 *)(r10 -8) = r1
   2: call bpf_get_smp_processor_id#8     1: w0 = 217100
                                          2: r0 = &(void __percpu *)(r0)
                                          3: r0 = *(u32 *)(r0 +0)
   3: r1 = *(u64 *)(r10 -8)
   4: r2 = map[slots]                     4: r2 = map[slots]
   6: call pc+1                           6: call pc+1
   7: exit                                7: exit

sub: 2 instructions become 2, stack 0 bytes, code 26 bytes
   8: r0 = r1     8: r0 = r1
   9: exit        9: exit

run: 23 machine instructions, 32 bytes of stack; with the spills and fills kept 26 machine instructions, 40 bytes of stack: saved 3 and 8
`);
  });

  test("older kernels call the helper and remove nothing", async () => {
    const { stdout } = await jit(SPILL, "--profile", "linux-6.1");
    expect(stdout).toContain("p: 7 instructions become 7, stack 8 bytes, code");
    expect(stdout).toContain("1: *(u64 *)(r10 -8) = r1               1: *(u64 *)(r10 -8) = r1\n");
    expect(stdout).not.toContain("run:");
  });

  test("says where the stack has no room for what was removed, and leaves a run out that it has no model for", async () => {
    const deep = SPILL.replaceAll("r10 - 8", "r10 - 520").replace("r2 =", "*(u64 *)(r10 - 512) = r1\nr2 =");
    expect((await jit(deep, "--profile", "linux-6.12")).stdout).toMatch(/kept it does not fit the stack\n$/);
    const unknown = SPILL.replace("r0 = r1", "call bpf_get_current_cgroup_id");
    const { stdout, code } = await jit(unknown, "--profile", "linux-6.12");
    expect([stdout.includes("spills and fills removed"), stdout.includes("run:"), code]).toEqual([true, false, 0]);
  });

  test("as JSON", async () => {
    const { stdout } = await jit(SPILL, "--profile", "linux-6.12", "--format", "json");
    const { programs } = JSON.parse(stdout);
    expect(programs).toMatchObject([
      {
        program: "p",
        profile: "linux-6.12",
        functions: [
          { name: "p", loaded: 7, xlated: 7, pairs: 1, stack: 0, stackKept: 8, code: 60, codeKept: 75 },
          { name: "sub", pairs: 0 },
        ],
        runs: { removed: { instructions: 23, maxStack: 32 }, kept: { instructions: 26, maxStack: 40 } },
      },
    ]);
    expect(programs[0].functions[0].rows[1]).toEqual({
      loaded: { slot: 1, text: "*(u64 *)(r10 -8) = r1" },
      xlated: [],
    });
  });

  test("a program of a scenario by name; other formats are refused", async () => {
    const { stdout } = await call("jit", "fastcall/compiled-with-and-without", "--xlated", "--program", "with");
    expect(stdout).toMatch(/^with on linux-7\.2\n\nwith: 11 instructions become 9, 4 spills and fills removed/);
    expect(await jit(SPILL, "--format", "hex")).toMatchObject({
      code: 2,
      stderr: "jitproof: --xlated has no format hex; expected asm or json\n",
    });
    expect(await jit(SPILL, "--passes")).toMatchObject({ code: 2 });
  });
});
