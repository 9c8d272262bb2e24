import { describe, expect, test } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { Bench, only, replaced, run } from "./rig.ts";

/** main passes five arguments; sub returns their sum in decimal places. */
const FIVE = `
  main:
    r1 = 1
    r2 = 2
    r3 = 3
    r4 = 4
    r5 = 5
    call sub
    exit
  sub:
    r0 = r1
    r0 += r2
    r0 += r3
    r0 += r4
    r0 += r5
    exit`;

test("five arguments arrive at a function's first BPF instruction", () => {
  expect(run(FIVE)).toMatchObject({ r0: 15n, findings: [] });
});

/** The three bytes of nop behind the patch site, where the count goes in a main function, become something else. */
const instead = (name: string, hex: string) => (image: Image) =>
  image.name === name ? replaced(image, "0f1f440000 0f1f00", `0f1f440000 ${hex}`) : undefined;

describe("a prologue that changes", () => {
  test.each([
    ["R1 (rdi)", "31ff90", "0x1"],
    ["R2 (rsi)", "31f690", "0x2"],
    ["R3 (rdx)", "31d290", "0x3"],
    ["R4 (rcx)", "31c990", "0x4"],
    ["R5 (r8)", "4531c0", "0x5"],
  ])("%s", (what, hex, passed) => {
    const outcome = run(FIVE, { patch: instead("main#sub", hex) });
    expect(only(outcome)).toMatchObject({
      check: "arguments",
      message: `main#sub does not get ${what} as it was passed`,
      function: "main#sub",
      insn: 0,
      bpf: "r0 = r1",
      line: 11,
      expected: `${what} = ${passed}`,
      actual: "0x0",
    });
  });

  test("only the upper half of one", () => {
    const text = FIVE.replace("r1 = 1", "r1 = -1");
    const { findings } = run(text, { patch: instead("main#sub", "89ff90") }); // mov edi, edi
    expect(findings[0]).toMatchObject({ expected: "R1 (rdi) = 0xffffffffffffffff", actual: "0xffffffff" });
  });

  test("rax, r9 or a saved register changes no argument", () => {
    for (const hex of ["31c090", "4531c9", "4531d2"])
      expect(run(FIVE, { patch: instead("main#sub", hex) }).findings).toEqual([]);
  });

  test("the context on its way from the kernel", () => {
    // xor rax, rax of the entry's prologue -> xor edi, edi
    const patch = (image: Image) => replaced(image, "0f1f440000 0f1f00", "0f1f440000 31ff90");
    const outcome = run("r0 = 0\nexit", { patch });
    expect(only(outcome)).toMatchObject({
      check: "arguments",
      function: "main",
      bpf: "r0 = 0",
      line: 1,
      actual: "0x0",
    });
  });
});

describe("a tail call", () => {
  const MAIN = "r6 = r1\nr2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit";
  const CALLEE = "r0 = *(u32 *)(r1 + 0)\nexit";

  test("hands the context on", () => {
    const bench = new Bench();
    const [main] = bench.load(MAIN);
    bench.load(CALLEE, "callee");
    expect(bench.slot(0, "callee").enter(main)).toMatchObject({ tailCalls: 1n, findings: [] });
  });

  test("that loses it", () => {
    // ++*tail_call_cnt_ptr -> mov rdi, [rax]; nop: the context is the count
    const patch = (image: Image) => (image.name === "main" ? replaced(image, "48830001", "488b3890") : undefined);
    const bench = new Bench({ patch });
    const [main] = bench.load(MAIN);
    bench.load(CALLEE, "callee");
    const { findings } = bench.slot(0, "callee").enter(main);
    expect(findings[0]).toMatchObject({
      check: "arguments",
      message: "callee does not get R1 (rdi) as it was passed",
      function: "callee",
      bpf: "r0 = *(u32 *)(r1 + 112)",
      line: 1,
      actual: "0x0",
    });
  });

  test("may change what is no argument of it: R2 to R5", () => {
    const bench = new Bench();
    const [main] = bench.load(`r4 = 4\nr5 = 5\n${MAIN}`);
    bench.load("r0 = 0\nexit", "callee");
    expect(bench.slot(0, "callee").enter(main).findings).toEqual([]);
  });
});

test("a register that a helper left behind is no argument: it is poison, and what uses it faults", () => {
  // mov rdi, rbx (r1 = r6) -> nop
  const text = `
    r6 = r1
    call bpf_ktime_get_ns
    r1 = r6
    r0 = *(u32 *)(r1 + 0)
    exit`;
  expect(run(text).findings).toEqual([]);
  const outcome = run(text, { patch: (image) => replaced(image, "4889df", "909090") });
  expect(only(outcome)).toMatchObject({
    check: "fault",
    bpf: expect.stringContaining("r0 = *(u32 *)(r1 + "),
    line: 5,
    actual: expect.stringMatching(/^read fault at 0xdead00070bad0/),
  });
});
