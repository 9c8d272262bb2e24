import { describe, expect, test } from "vitest";
import type { ExtableEntry } from "../../../bpf/image.ts";
import { type Line, le } from "../../emulator/guest.ts";
import { Bench, only, replaced, run, runCode } from "./rig.ts";

const RET: Line = ["c3", "ret"];

describe("an access that the pages don't allow", () => {
  test("a load: instruction, BPF instruction, line, address", () => {
    // mov rax, [rdi+112] of skb->len, with the base register wrong
    const outcome = run("r0 = *(u32 *)(r1 + 0)\nexit", { patch: (image) => replaced(image, "8b4770", "8b4070") });
    expect(only(outcome)).toMatchObject({
      check: "fault",
      message: "read of 4 bytes at 0xa5a500005eed0070 faults: nothing is mapped there",
      function: "main",
      asm: expect.stringMatching(/^movl 0x70\(%rax\), %eax$/),
      insn: 0,
      bpf: "r0 = *(u32 *)(r1 + 112)",
      line: 1,
      expected: "no fault",
      actual: "read fault at 0xa5a500005eed0070",
    });
  });

  test("a store into code", () => {
    const bench = new Bench();
    const code = bench.code([["48890f", "mov [rdi], rcx"], RET], { name: "code" });
    const { entry } = code;
    expect(only(bench.enter(code, entry))).toMatchObject({
      check: "fault",
      message: `write of 8 bytes at 0x${entry.toString(16)} faults: the page does not allow it`,
      offset: 0,
    });
  });

  test("executing data: the jump is to blame", () => {
    const bench = new Bench();
    const code = bench.code(
      [
        ["90", "nop"],
        ["ffe7", "jmp rdi"],
      ],
      { name: "code" },
    );
    const data = bench.machine.heap.take(64);
    expect(only(bench.enter(code, data))).toMatchObject({
      check: "fault",
      message: `fetch of an instruction at 0x${data.toString(16)} faults: the page does not allow it`,
      function: "code",
      offset: 1,
      asm: "jmpq *%rdi",
      actual: `fetch fault at 0x${data.toString(16)}`,
    });
  });

  test("executing NULL: an empty slot that nobody tested for", () => {
    // test rcx, rcx; je out -> nops
    const bench = new Bench({
      profile: "linux-6.12+mitoff",
      patch: (image) => {
        const at = Buffer.from(image.bytes).indexOf(Buffer.from("4885c974", "hex"));
        const je = Buffer.from(image.bytes.subarray(at, at + 5)).toString("hex");
        return replaced(image, je, "4885c99090");
      },
    });
    const [main] = bench.load("r2 = jmp ll\nr3 = *(u32 *)(r1 + 0)\ncall bpf_tail_call\nr0 = 0\nexit");
    expect(only(bench.enter(main))).toMatchObject({
      check: "fault",
      message: "read of 8 bytes at 0x30 faults: nothing is mapped there",
      function: "main",
      line: 3,
    });
  });

  test("the stack's guard page is named", () => {
    const outcome = runCode([
      ["50", "1: push rax"],
      ["ebfd", "jmp 1b"],
    ]);
    expect(only(outcome)).toMatchObject({
      check: "fault",
      message: expect.stringMatching(
        /^write of 8 bytes at 0x[0-9a-f]+ faults: nothing is mapped there \(the kernel stack has overflowed\)$/,
      ),
      function: "code",
      offset: 0,
      asm: "pushq %rax",
    });
  });

  test("a frame that jumps over the guard page's edge, too", () => {
    const outcome = runCode([["4881ec00480000", "sub rsp, 0x4800"], ["48890424", "mov [rsp], rax"], RET]);
    expect(only(outcome).message).toMatch(/the kernel stack has overflowed/);
  });
});

describe("what the exception table lists is no finding", () => {
  const LINES: Line[] = [["b805000000", "mov eax, 5"], ["488b07", "mov rax, [rdi]"], RET];
  const load = (extable: ExtableEntry[]) => {
    const bench = new Bench();
    return bench.enter(bench.code(LINES, { name: "code", extable }), 0x10n);
  };

  test("a load goes on with zero behind itself", () => {
    expect(load([{ offset: 5, length: 3, clear: 0 }])).toMatchObject({ r0: 0n, findings: [] });
  });

  test("at another instruction it does not help", () => {
    expect(only(load([{ offset: 8, length: 1, clear: 0 }]))).toMatchObject({ check: "fault", offset: 5 });
  });
});

describe("exceptions", () => {
  test.each<[name: string, lines: Line[], offset: number, vector: string]>([
    ["division by zero", [["31c9", "xor ecx, ecx"], ["48f7f1", "div rcx"], RET], 2, "#DE, division error"],
    [
      "int3",
      [
        ["90", "nop"],
        ["cc", "int3"],
      ],
      1,
      "#BP, int3",
    ],
    ["ud2", [["0f0b", "ud2"]], 0, "#UD, invalid instruction"],
    ["hlt", [["f4", "hlt"]], 0, "#GP, general protection"],
  ])("%s", (_, lines, offset, vector) => {
    expect(only(runCode(lines))).toMatchObject({
      check: "fault",
      message: `${vector} is raised`,
      function: "code",
      offset,
      expected: "no exception",
      actual: vector,
    });
  });

  test("a division that the verifier's guard was to protect", () => {
    // r0 = 7; r1 = 0; r0 /= r1: BPF says 0
    const text = "r1 = *(u32 *)(r1 + 8)\nr0 = 7\nr0 /= r1\nexit";
    expect(run(text)).toMatchObject({ r0: 0n, findings: [] });
  });
});

describe("a kernel function that cannot go on", () => {
  const text = `
    r1 = 5
    *(u32 *)(r10 - 4) = r1
    r1 = h ll
    r2 = r10
    r2 += -4
    call bpf_map_delete_elem
    exit`;

  test("is found at the call, with what it was handed", () => {
    expect(run(text).findings).toEqual([]);
    // lea rsi, [rbp-4] is mov rsi, rbp; add rsi, -4: the mov goes
    const outcome = run(text, { patch: (image) => replaced(image, "4889ee", "31f690") });
    expect(outcome.r0).toBeUndefined();
    expect(only(outcome)).toMatchObject({
      check: "fault",
      message: expect.stringMatching(
        /^(bpf|htab)_map_delete_elem faults: it reads 4 bytes at 0xf{15}c, and they are not all mapped$/,
      ),
      function: "main",
      asm: expect.stringContaining("call"),
      bpf: expect.stringMatching(/^call .*map_delete_elem$/),
      line: 7,
      expected: "arguments that it can work with",
    });
  });

  test("a map that is none", () => {
    const bench = new Bench();
    const helper = bench.machine.symbol("bpf_map_lookup_elem");
    const code = bench.code(
      [["31ff", "xor edi, edi"], [`48b8${le(helper, 8)}`, "mov rax, helper"], ["ffd0", "call rax"], RET],
      {
        name: "code",
      },
    );
    expect(only(bench.enter(code))).toMatchObject({
      message: "bpf_map_lookup_elem faults: 0x0 is no map",
      function: "code",
      offset: 12,
      asm: "callq *%rax",
      actual: "0x0 is no map",
    });
  });
});
