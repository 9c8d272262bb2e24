import { describe, expect, test } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import type { Line } from "../../emulator/guest.ts";
import { Bench, broken, only, patching, replaced, run, runCode } from "./rig.ts";

const PUSH_RBP: Line = ["55", "push rbp"];
const MOV_RBP_RSP: Line = ["4889e5", "mov rbp, rsp"];
const LEAVE: Line = ["c9", "leave"];
const RET: Line = ["c3", "ret"];
const framed = (...lines: Line[]): Line[] => [PUSH_RBP, MOV_RBP_RSP, ["4883ec20", "sub rsp, 32"], ...lines, LEAVE, RET];

const STACK = `
  r1 = 7
  *(u64 *)(r10 - 8) = r1
  *(u64 *)(r10 - 64) = r1
  r0 = *(u64 *)(r10 - 64)
  exit`;

test("a program that uses its own stack breaks nothing", () => {
  expect(run(STACK)).toMatchObject({ r0: 7n, findings: [] });
});

describe("below the stack pointer", () => {
  test("a store, with what it stores and by how much; the run goes on", () => {
    const outcome = runCode([["c74424f005000000", "mov dword [rsp-16], 5"], ["b801000000", "mov eax, 1"], RET]);
    expect(outcome.r0).toBe(1n);
    expect(only(outcome)).toMatchObject({
      check: "stack-balance",
      message: "4 bytes are stored below the stack pointer",
      function: "code",
      offset: 0,
      asm: "movl $0x5, -0x10(%rsp)",
      expected: expect.stringMatching(/^a store at or above rsp = 0xffffc9/),
      actual: expect.stringMatching(/, 16 bytes below$/),
    });
  });

  test("because the frame is smaller than the BPF stack", () => {
    // sub rsp, 64 -> sub rsp, 32
    const outcome = run(STACK, { patch: (image) => replaced(image, "4881ec40", "4881ec20") });
    expect(only(outcome)).toMatchObject({
      check: "stack-balance",
      message: "8 bytes are stored below the stack pointer",
      function: "main",
      insn: 2,
      bpf: "*(u64 *)(r10 - 64) = r1",
      line: 4,
      actual: expect.stringMatching(/, 32 bytes below$/),
    });
  });
});

describe("over what was pushed", () => {
  test.each<[what: string, line: Line]>([
    ["the return address", ["48c7450800000000", "mov qword [rbp+8], 0"]],
    ["the saved rbp", ["48c7450000000000", "mov qword [rbp], 0"]],
    ["one byte of the saved rbp", ["c6450700", "mov byte [rbp+7], 0"]],
    ["from the BPF stack into the saved rbp", ["48c745fc00000000", "mov qword [rbp-4], 0"]],
  ])("%s", (_, line) => {
    const bench = new Bench();
    const callee = bench.code([["f30f1efa", "endbr64"], ...framed(line)], { name: "callee" });
    const caller = bench.code([["ffd7", "call rdi"], RET], { name: "caller" });
    const { findings } = bench.enter(caller, callee.entry);
    expect(findings[0]).toMatchObject({
      check: "stack-balance",
      message: expect.stringMatching(/^[18] bytes are stored over what a push or call saved$/),
      function: "callee",
      offset: 12,
      expected: "a store into the function's own BPF stack",
      actual: expect.stringMatching(/bytes above rsp$/),
    });
  });

  test("the register that a function saved, by a BPF stack that begins one slot too low", () => {
    const text = "r6 = 1\nr1 = 7\n*(u64 *)(r10 - 8) = r1\nr0 = r6\nexit";
    // [rbp-8] -> [rbp-16], where rbx is
    const outcome = run(text, { patch: (image) => replaced(image, "48897df8", "48897df0") });
    expect(broken(outcome)).toEqual(["stack-balance", "callee-saved"]);
    expect(outcome.findings[0]).toMatchObject({ function: "main", bpf: "*(u64 *)(r10 - 8) = r1", line: 3 });
  });

  test("the tail-call count may be changed by the JIT's own store only", () => {
    const patch = (image: Image) => {
      const changed = replaced(image, "48830001", "48830001"); // add qword [rax], 1: as it is, but not marked
      const own = changed.starts.findIndex(
        (start) => changed.bytes[start + 1] === 0x83 && changed.bytes[start + 2] === 0,
      );
      changed.flags[own] = 0;
      return changed;
    };
    const text = "r2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit";
    const tailCall = (planted: boolean) => {
      const bench = new Bench(planted ? { patch } : {});
      const [main] = bench.load(text);
      bench.code([["58", "pop rax"], ["31c0", "xor eax, eax"], RET], { name: "callee" });
      return bench.slot(0, "main").enter(main);
    };
    expect(broken(tailCall(false))).toEqual([]);
    expect(tailCall(true).findings[0]).toMatchObject({ check: "stack-balance", bpf: "tail_call poke[0]", line: 3 });
  });
});

describe("into the frames of who called the program", () => {
  test.each<[what: string, line: Line, at: bigint, size: number]>([
    ["the return address to the kernel", ["48c7450800000000", "mov qword [rbp+8], 0"], 0n, 8],
    ["what lies above it", ["88452f", "mov [rbp+47], al"], 39n, 1],
    ["far above it", ["48898500040000", "mov [rbp+1024], rax"], 1016n, 8],
  ])("%s: the store is not done, and ends the run", (_, line, at, size) => {
    const bench = new Bench();
    const code = bench.code(framed(line), { name: "code" });
    const outcome = bench.enter(code);
    const { stackHigh } = bench.machine.task;
    expect(outcome.r0).toBeUndefined();
    expect(only(outcome)).toMatchObject({
      check: "stack-balance",
      message: `${size} bytes are stored into the frames of the program's caller`,
      function: "code",
      offset: 8,
      expected: `a store below 0x${stackHigh.toString(16)}, where the program was entered`,
      actual: `0x${(stackHigh + at).toString(16)}`,
    });
  });
});

describe("what a broken prologue or epilogue leads to is found, one way or another", () => {
  const TWO = `
    r6 = 1
    call sub
    r0 += r6
    exit
  sub:
    r1 = 5
    *(u64 *)(r10 - 8) = r1
    r6 = *(u64 *)(r10 - 8)
    r0 = r6
    exit`;

  test.each<[what: string, from: string, to: string]>([
    ["no push rbp", "55 4889e5", "90 4889e5"],
    ["no mov rbp, rsp", "55 4889e5", "55 909090"],
    ["a pop too many", "5b c9 c3", "5b 58 c3"],
    ["no leave", "5b c9 c3", "5b 90 c3"],
    ["pop rbp in place of leave", "5b c9 c3", "5b 5d c3"],
    ["ret in place of leave", "5b c9 c3", "5b c3 c3"],
    ["push instead of pop", "5b c9 c3", "53 c9 c3"],
    ["no saved rbx", "53 bf05000000", "90 bf05000000"],
    ["a frame given back twice", "c9 c3", "c9 c9"],
  ])("%s", (_, from, to) => {
    const outcome = run(TWO, { patch: patching("main#sub", from, to) });
    expect(broken(outcome)).not.toEqual([]);
    expect(run(TWO)).toMatchObject({ r0: 6n, findings: [] });
  });
});

test("a store through a pointer into the caller's BPF stack is what BPF allows", () => {
  const text = `
    r1 = 0
    *(u64 *)(r10 - 8) = r1
    r1 = r10
    r1 += -8
    call sub
    r0 = *(u64 *)(r10 - 8)
    exit
  sub:
    r2 = 9
    *(u64 *)(r1 + 0) = r2
    r0 = 0
    exit`;
  expect(run(text)).toMatchObject({ r0: 9n, findings: [] });
});
