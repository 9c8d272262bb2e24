import { describe, expect, test } from "vitest";
import { registerText, writeText } from "../../../../src/report/trace/values.ts";
import type { TracedStep } from "../../../../src/runner/trace/step.ts";
import { Tracer } from "../../../../src/runner/trace/tracer.ts";
import { hierarchy, program, stepsOf, watch } from "./tracing.ts";

/** "movq ...: what it changed", with addresses that nobody names left out. */
const told = ({ instruction, registers, writes }: TracedStep): string =>
  `${instruction.asm}: ${[...registers.map(registerText), ...writes.map(writeText)].join("; ")}`;

describe("what an instruction changed", () => {
  const steps = stepsOf(
    program(
      `
      r6 = 7
      *(u64 *)(r10 - 8) = r6
      *(u16 *)(r10 - 12) = 3
      r1 = counter[0] + 12 ll
      *(u32 *)(r1 + 0) = r6
      r0 = *(u64 *)(r10 - 8)
      r0 &= 8
      exit`,
      "maps: { counter: { type: array, value_size: 16, max_entries: 1 } }\n",
    ),
  );

  test("registers, memory old -> new, stack slots and map values by name, and nothing else", () => {
    expect(steps.slice(3).map(told)).toEqual([
      "pushq %rbp: rsp -0x8; [rbp] 0x0 -> 0xa5a500055eed0005",
      expect.stringMatching(/^movq %rsp, %rbp: rbp 0xa5a500055eed0005 -> 0x\w+ &rbp$/),
      "endbr64: ",
      "subq $0x10, %rsp: rsp -0x10",
      "pushq %rbx: rsp -0x8; [rbx] 0x0 -> 0xa5a500035eed0003",
      "movl $0x7, %ebx: rbx 0xa5a500035eed0003 -> 0x7",
      "movq %rbx, -0x8(%rbp): [fp-8] 0x0 -> 0x7",
      "movw $0x3, -0xc(%rbp): [fp-12] u16 0x0 -> 0x3",
      expect.stringMatching(/^movabsq \$0x\w+, %rdi: rdi 0x\w+ -> 0x\w+ &counter\[0\]\+12$/),
      "movl %ebx, (%rdi): [counter[0]+12] u32 0x0 -> 0x7",
      "movq -0x8(%rbp), %rax: rax 0xa5a500005eed0000 -> 0x7",
      "andq $0x8, %rax: rax 0x7 -> 0x0",
      "popq %rbx: rbx 0x7 -> 0xa5a500035eed0003; rsp +0x8",
      expect.stringMatching(/^leave: rsp \+0x18; rbp 0x\w+ -> 0xa5a500055eed0005$/),
      "retq: rsp +0x8",
    ]);
  });

  test("flags where they changed, with what each instruction was made from", () => {
    const and = steps.find(({ instruction }) => instruction.asm.startsWith("andq"))!;
    expect(and.flags && (and.flags.old ^ and.flags.now) & 0x40).toBe(0x40);
    expect(and.instruction).toMatchObject({ function: "p", from: [{ insn: 7, text: "r0 &= 8", line: 10 }] });
    expect(steps.filter(({ flags }) => flags).map(({ instruction }) => instruction.asm.split(" ")[0])).toEqual([
      "subq",
      "andq",
    ]);
    expect(steps.map(({ index, icount }) => [index, icount])).toEqual(steps.map((_, i) => [i, i]));
  });
});

test("a modelled function's work is told at the function, the call of it only calls", () => {
  const steps = stepsOf(
    program(
      `
      r1 = key[0] ll
      r2 = r1
      r1 = key ll
      call bpf_get_prandom_u32
      r6 = r0
      r0 = 0
      exit`,
      "maps: { key: { type: array, value_size: 8, max_entries: 1 } }\n",
    ),
    "linux-6.1+mitoff",
  );
  const at = steps.findIndex(({ instruction }) => instruction.asm.startsWith("callq"));
  const [call, model] = steps.slice(at, at + 2);
  expect(told(call)).toMatch(/^callq 0x\w+: rsp -0x8; \[ret\] 0x0 -> 0x\w+ p\+0x\w+$/);
  expect(model.instruction).toMatchObject({ function: "bpf_user_rnd_u32", isModel: true });
  // what the ABI lets it scratch, besides rax and rsp
  expect(model.registers.map(({ name }) => name)).toEqual([
    "rax",
    "rcx",
    "rdx",
    "rsp",
    "rsi",
    "rdi",
    "r8",
    "r9",
    "r10",
    "r11",
  ]);
});

test("a helper's writes into memory are its own", () => {
  const steps = stepsOf(
    program(
      `
      r7 = 5
      *(u32 *)(r10 - 4) = 0
      *(u64 *)(r10 - 16) = r7
      r1 = m ll
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      call bpf_map_update_elem
      r0 = 0
      exit`,
      "maps: { m: { type: array, value_size: 8, max_entries: 1 } }\n",
    ),
  );
  const model = steps.find(({ instruction }) => instruction.isModel)!;
  expect(model.writes.map(writeText)).toEqual(["[m[0]] -> 0x5"]);
});

describe("calls and tail calls", () => {
  const steps = stepsOf(hierarchy(1), "linux-6.12");
  const arrivals = steps.flatMap(({ arrival }) => (arrival ? [arrival] : []));

  test("say how control came, how deep, and which tail call it is", () => {
    expect(arrivals.slice(0, 4)).toEqual([
      { kind: "call", function: "entry", depth: 1 },
      { kind: "call", function: "entry#sub", depth: 2 },
      { kind: "tail-call", function: "entry", depth: 2, nth: 1 },
      { kind: "call", function: "entry#sub", depth: 3 },
    ]);
    expect(arrivals.filter(({ kind }) => kind === "tail-call")).toHaveLength(33);
    expect(arrivals.at(-1)).toEqual({ kind: "return", function: "entry", depth: 1 });
  });

  test("a pointer to the count says in whose frame it is", () => {
    const counted = steps.filter(({ instruction }) => instruction.asm === "addq $0x1, (%rax)");
    expect(counted.slice(0, 2).map(({ writes }) => writes.map(writeText))).toEqual([
      ["[tcc of entry] 0x0 -> 0x1"],
      ["[tcc of entry] 0x1 -> 0x2"],
    ]);
    const pushed = steps.find(({ writes }) => writes.some(({ place, means }) => place === "tcc_ptr" && means))!;
    expect(pushed.writes[0].means).toBe("&tcc");
  });
});

test("records that come in many slices tell the same as those of one", () => {
  // 4 instructions a round and a few around them, so that slices end everywhere in the loop
  const steps = stepsOf(
    program(`
      r1 = 900
      r0 = 0
      *(u64 *)(r10 - 8) = r0
      *(u64 *)(r10 - 8) = r1
      r1 -= 1
      if r1 != 0 goto -3
      exit`),
  );
  const stores = steps.filter(({ instruction }) => instruction.asm === "movq %rdi, -0x8(%rbp)");
  expect(stores.map(({ writes }) => writes.map(({ old, now }) => [old, now]))).toEqual(
    Array.from({ length: 900 }, (_, i) => [[i ? BigInt(901 - i) : 0n, BigInt(900 - i)]]),
  );
  expect(steps.length).toBeGreaterThan(3600);
  expect(steps.at(-1)!.instruction.asm).toBe("retq");
});

test("an instruction that faults is told, and that it does not complete", () => {
  const steps: TracedStep[] = [];
  watch(program("r0 = 0\nexit"), "linux-6.12+mitoff", (world) => {
    const { image } = world.programs.get("p")!.functions[0];
    world.session.machine.memory.write(image.address + BigInt(image.body), Uint8Array.of(0x0f, 0x0b));
    const tracer = new Tracer(world, (step) => steps.push(step));
    return { resume: (budget: number) => tracer.resume(budget) };
  });
  expect(steps.slice(-2).map(({ instruction, ended }) => [instruction.asm, ended])).toEqual([
    ["endbr64", undefined],
    ["ud2", "exception"],
  ]);
});
