import { describe, expect, test } from "vitest";
import { Bench, broken, only, patching, run, runCode } from "./rig.ts";

/** main keeps values in r6 and r7 over a call of sub, which uses both. */
const TWO = `
  main:
    r6 = 1
    r7 = 2
    call sub
    r0 += r6
    r0 += r7
    exit
  sub:
    r6 = 10
    r7 = 20
    r0 = 0
    exit`;

test("functions that push and pop what they use break nothing", () => {
  expect(run(TWO)).toMatchObject({ r0: 3n, findings: [] });
});

describe("a function that doesn't give a register back", () => {
  test("because its push is missing", () => {
    // push rbx -> nop; the pops go on as they were
    const outcome = run(TWO, { patch: patching("main#sub", "53", "90") });
    expect(broken(outcome)).toContain("callee-saved");
    expect(outcome.findings[0]).toMatchObject({
      check: "callee-saved",
      message: "main#sub did not preserve rbx",
      function: "main",
      asm: expect.stringContaining("add"),
      insn: 3,
      bpf: "r0 += r6",
      line: 6,
      expected: "rbx = 0x1",
    });
  });

  test("because two pops are swapped", () => {
    // pop r13; pop rbx -> pop rbx; pop r13 (no-op prefix kept: 41 5d 5b -> 5b 41 5d)
    const { findings } = run(TWO, { patch: patching("main#sub", "415d5b", "5b415d") });
    expect(findings).toMatchObject([
      {
        check: "callee-saved",
        message: "main#sub did not preserve rbx",
        expected: "rbx = 0x1",
        actual: "0x2",
        line: 6,
      },
      {
        check: "callee-saved",
        message: "main#sub did not preserve r13",
        expected: "r13 = 0x2",
        actual: "0x1",
        line: 6,
      },
    ]);
  });

  test("to the kernel: the entry's own frame is checked, and its epilogue is to blame", () => {
    const outcome = runCode(
      [
        ["55", "push rbp"],
        ["4889e5", "mov rbp, rsp"],
        ["41bc07000000", "mov r12d, 7"],
        ["c9", "leave"],
        ["c3", "ret"],
      ],
      { epilogue: 10 },
    );
    expect(only(outcome)).toMatchObject({
      check: "callee-saved",
      message: "code did not preserve r12",
      function: "code",
      offset: 10,
      asm: "leave",
      expected: "r12 = 0xa5a5000c5eed000c",
      actual: "0x7",
    });
    expect(outcome.r0).not.toBeUndefined();
  });

  test.each([
    ["rbx", "5b"],
    ["rbp", "5d"],
    ["r12", "415c"],
    ["r13", "415d"],
    ["r14", "415e"],
    ["r15", "415f"],
  ])("%s is one of them", (name, pop) => {
    const outcome = runCode([
      ["6a05", "push 5"],
      [pop, `pop ${name}`],
      ["c3", "ret"],
    ]);
    expect(only(outcome)).toMatchObject({ message: `code did not preserve ${name}`, actual: "0x5" });
  });

  test.each(["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"])("%s is not", (name) => {
    const pops: Record<string, string> = {
      rax: "58",
      rcx: "59",
      rdx: "5a",
      rsi: "5e",
      rdi: "5f",
      r8: "4158",
      r9: "4159",
      r10: "415a",
      r11: "415b",
    };
    expect(
      runCode([
        ["6a05", "push 5"],
        [pops[name], `pop ${name}`],
        ["c3", "ret"],
      ]).findings,
    ).toEqual([]);
  });
});

test("a function that returns with another stack pointer", () => {
  const outcome = runCode([["c20800", "ret 8"]]);
  expect(only(outcome)).toMatchObject({
    check: "callee-saved",
    message: "code returned with another stack pointer",
    expected: expect.stringMatching(/^rsp = 0xffffc9/),
    actual: expect.stringMatching(/\(8 bytes off\)$/),
  });
});

test("a tail callee answers for the frame that it took over", () => {
  const bench = new Bench({ patch: patching("callee", "415d5b", "5b415d") });
  const [main] = bench.load("r6 = r1\nr7 = 7\nr1 = r6\nr2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = r7\nexit");
  bench.load("r6 = 1\nr7 = 2\nr0 = r6\nr0 += r7\nexit", "callee");
  const { findings } = bench.slot(0, "callee").enter(main);
  expect(findings).toMatchObject([
    { message: "callee did not preserve rbx", function: "callee", bpf: "exit", line: 5 },
    { message: "callee did not preserve r13", function: "callee", bpf: "exit", line: 5 },
  ]);
});

test("a callback answers to the kernel function that calls it", () => {
  const text = `
  main:
    r1 = m ll
    r2 = cb ll
    r3 = 0
    r4 = 0
    call bpf_for_each_map_elem
    r0 = 0
    exit
  cb:
    r6 = 1
    r0 = 1
    exit`;
  expect(run(text).findings).toEqual([]);
  const { findings } = run(text, { patch: patching("main#cb", "53", "90") });
  expect(findings[0]).toMatchObject({
    check: "callee-saved",
    message: "main#cb did not preserve rbx",
    function: "main#cb",
    bpf: "exit",
    line: 13,
  });
});

test("every register that is wrong is told, each once a call", () => {
  const outcome = runCode([
    ["31db", "xor ebx, ebx"],
    ["4531f6", "xor r14d, r14d"],
    ["4531ff", "xor r15d, r15d"],
    ["c3", "ret"],
  ]);
  expect(outcome.findings.map(({ message }) => message)).toEqual([
    "code did not preserve rbx",
    "code did not preserve r14",
    "code did not preserve r15",
  ]);
});

describe("where a tail call lands", () => {
  const MAIN = "r6 = 1\nr7 = 2\n*(u64 *)(r10 - 8) = r7\nr2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = r6\nexit";

  /** main's way out is patched; the callee uses no register and returns. */
  function tailCall(from: string, to: string, profile: "linux-6.1" | "linux-6.12" | "linux-7.2") {
    const bench = new Bench({ profile, patch: patching("main", from, to) });
    const [main] = bench.load(MAIN);
    bench.load("r0 = 0\nexit", "callee");
    return bench.slot(0, "callee").enter(main);
  }

  describe.each(["linux-6.1", "linux-6.12", "linux-7.2"] as const)("on %s", (profile) => {
    test("the caller has given its registers back", () => {
      const { findings } = tailCall("415d 5b 58", "415e 5b 58", profile); // pop r13 -> pop r14
      expect(findings.slice(0, 2)).toMatchObject([
        {
          check: "callee-saved",
          message: "main does not give r13 back before its tail call",
          function: "main",
          bpf: "tail_call poke[0]",
          line: 6,
          expected: "r13 = 0xa5a5000d5eed000d",
          actual: "0x2",
        },
        { message: "main does not give r14 back before its tail call" },
      ]);
    });

    test("and the whole frame: a pop that is missing shows at once, not only when the stack is full", () => {
      const { r0, findings } = tailCall("415d 5b 58", "415d 5b 90", profile); // pop rax -> nop
      expect(findings).toMatchObject([
        {
          check: "callee-saved",
          message: "main hands its frame over with another stack pointer",
          function: "main",
          line: 6,
          actual: expect.stringMatching(/\(-8 bytes off\)$/),
        },
      ]);
      expect(r0).toBe(0n); // the callee's leave hides it
    });
  });
});
