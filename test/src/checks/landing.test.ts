import { describe, expect, test } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { type Line, le } from "../../emulator/guest.ts";
import { Bench, only, patching, replaced, run, runCode } from "./rig.ts";

const RET: Line = ["c3", "ret"];
const EXPECTED = "a function's entry, a tail-call landing pad, a return site or a jump target";

const BRANCHES = `
  r0 = 1
  if r1 == 0 goto out
  r0 = 0x11223344
out:
  exit`;

test("compiled branches, calls and returns land where they may", () => {
  expect(run(BRANCHES)).toMatchObject({ r0: 0x11223344n, findings: [] });
});

describe("a jump", () => {
  test("into the middle of an instruction", () => {
    // je +5 over `mov eax, 0x11223344` becomes jmp +2, into its immediate
    const outcome = run(BRANCHES, { patch: (image) => replaced(image, "7405 b8", "eb02 b8") });
    expect(only(outcome)).toMatchObject({
      check: "landing",
      message: expect.stringMatching(/^control lands at main\+0x[0-9a-f]+, where it may not$/),
      function: "main",
      asm: expect.stringContaining("jmp"),
      insn: 1,
      bpf: "if r1 == 0 goto +1",
      line: 3,
      expected: EXPECTED,
      actual: expect.stringMatching(/^0xffffffffc0/),
    });
    expect(outcome.r0).toBeUndefined();
  });

  test("out of its function, to an instruction of another", () => {
    const bench = new Bench();
    const other = bench.code([["90", "nop"], ["90", "nop"], RET], { name: "other" });
    const at = bench.machine.allocateCode(0);
    const code = bench.code([[`e9${le(other.line[1] - (at + 5n))}`, "jmp"]], { name: "code" });
    expect(code.entry).toBe(at);
    expect(only(bench.enter(code))).toMatchObject({
      check: "landing",
      message: "control lands at other+0x1, where it may not",
      function: "code",
      offset: 0,
    });
  });
});

describe("a tail call", () => {
  const MAIN = "r2 = jmp ll\nr3 = *(u32 *)(r1 + 0)\ncall bpf_tail_call\nr0 = 0\nexit";

  /** Tail-calls slot 0, indirectly, with main's or the callee's code patched. */
  function tailCall(patch: (image: Image) => Image | undefined, profile: "linux-6.12" | "linux-6.12+mitoff") {
    const bench = new Bench({ patch, profile });
    const [main] = bench.load(MAIN);
    bench.load("r0 = 1\nexit", "callee");
    return bench.slot(0, "callee").enter(main);
  }

  test.each(["linux-6.12", "linux-6.12+mitoff"] as const)("past the callee's endbr64, on %s", (profile) => {
    // add rcx, 16 -> add rcx, 20
    const outcome = tailCall(patching("main", "4883c110", "4883c114"), profile);
    expect(only(outcome)).toMatchObject({
      check: "landing",
      message: "control lands at callee+0x14, where it may not",
      function: "main",
      asm: profile === "linux-6.12" ? expect.stringMatching(/^jmp 0x/) : "jmpq *%rcx",
      line: 3,
    });
  });

  test("to a callee that has no endbr64 where IBT looks for one", () => {
    // the second endbr64, behind mov rbp, rsp
    const outcome = tailCall(patching("callee", "4889e5 f30f1efa", "4889e5 0f1f4000"), "linux-6.12+mitoff");
    expect(only(outcome)).toMatchObject({
      check: "landing",
      message: "control lands at callee+0x10, where it may not",
      function: "main",
      asm: "jmpq *%rcx",
      bpf: expect.stringContaining("tail_call"),
      line: 3,
    });
  });

  test("before the callee's landing pad: its frame would be made twice", () => {
    const outcome = tailCall(patching("main", "4883c110", "4883c10c"), "linux-6.12+mitoff");
    expect(only(outcome)).toMatchObject({ check: "landing", message: "control lands at callee+0xc, where it may not" });
  });
});

describe("a call", () => {
  test("of a function of the program, past its entry", () => {
    const text = "call sub\nexit\nsub:\nr0 = 1\nexit";
    const patch = (image: Image) => {
      if (image.name !== "main") return undefined;
      const at = image.bytes.indexOf(0xe8, image.body);
      const bytes = image.bytes.slice();
      bytes[at + 1] += 4;
      return { ...image, bytes };
    };
    expect(only(run(text, { patch }))).toMatchObject({
      check: "landing",
      message: "control lands at main#sub+0x4, where it may not",
      function: "main",
      asm: expect.stringContaining("call"),
      bpf: "call sub",
      line: 1,
    });
  });

  test("through a register that was clobbered lands nowhere", () => {
    const outcome = runCode([["ffd7", "call rdi"], RET]);
    expect(only(outcome)).toMatchObject({ check: "fault", function: "code", offset: 0 });
  });

  test("of what is no function of the kernel", () => {
    const bench = new Bench();
    const code = bench.code([["ffd7", "call rdi"], RET], { name: "code" });
    expect(only(bench.enter(code, bench.machine.symbol("bpf_ktime_get_ns") + 1n))).toMatchObject({
      check: "landing",
      function: "code",
      asm: "callq *%rdi",
    });
  });
});

describe("a return", () => {
  test("to what a pop too few left on top", () => {
    const outcome = runCode([["57", "push rdi"], RET]);
    expect(only(outcome)).toMatchObject({ check: "fault", function: "code", offset: 1 });
  });

  test("into code, but not behind a call", () => {
    const bench = new Bench();
    const other = bench.code([["90", "nop"], ["90", "nop"], RET], { name: "other" });
    const code = bench.code([["57", "push rdi"], RET], { name: "code" });
    expect(only(bench.enter(code, other.entry))).toMatchObject({
      check: "landing",
      message: "control lands at other, where it may not",
      function: "code",
      offset: 1,
      asm: "retq",
    });
  });
});

test("code that runs on past its end", () => {
  const outcome = runCode([["90", "nop"]]);
  expect(only(outcome)).toMatchObject({ check: "landing", function: "code", offset: 0, asm: "nop" });
});

describe("a return through a thunk of the kernel", () => {
  test("that lands nowhere is told of the jump to the thunk", () => {
    // the frame is not given back: leave -> nop
    const outcome = run("r0 = 0\nexit", {
      profile: "linux-6.12+zen2",
      patch: (image) => replaced(image, "c9", "90"),
    });
    expect(only(outcome)).toMatchObject({
      check: "fault",
      message: expect.stringMatching(/^fetch of an instruction at 0xa5a500055eed0005 faults/),
      function: "main",
      asm: expect.stringMatching(/^jmp 0xffffffff81/),
      bpf: "exit",
      line: 2,
    });
  });
});
