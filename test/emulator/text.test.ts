import { describe, expect, test } from "vitest";
import { RAX, RBP, RBX, RDI, RSP } from "../../emulator/engine.ts";
import { kernelCode } from "../../emulator/text.ts";
import { enter, KERNELS, type Line, le, newMachine, place, RET, rax } from "./guest.ts";

const nowhere = [() => undefined, () => 0n] as const;
const REGISTERS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");

/** `jmp` (or `call`) from `at` to a symbol. */
const direct = (opcode: "e8" | "e9", at: bigint, target: bigint, name: string): Line => [
  `${opcode} ${le(target - (at + 5n))}`,
  `${opcode === "e8" ? "call" : "jmp"} ${name}`,
];

describe("retpolines: a jump to __x86_indirect_thunk_REG goes where REG points", () => {
  const callee: Line[] = [["b82a000000", "mov eax, 42"], RET];

  test.each(REGISTERS.filter((name) => name !== "rsp"))("%s", (name) => {
    const machine = newMachine();
    const target = place(machine, callee);
    const thunk = machine.symbol(`__x86_indirect_thunk_${name}`);
    const code = place(machine, [direct("e9", machine.allocateCode(0), thunk, name)]);
    const reg = REGISTERS.indexOf(name);
    expect(rax(machine, code, { [reg]: target.entry })).toBe(42n);
    expect(machine.engine.regs[RSP]).toBe(machine.task.stackHigh + 8n);
  });

  test.each(["__x86_indirect_jump_thunk_rcx", "__x86_indirect_its_thunk_rcx", "__pi___x86_indirect_thunk_rcx"])(
    "%s, too",
    (name) => {
      const machine = newMachine();
      const target = place(machine, callee);
      const code = place(machine, [direct("e9", machine.allocateCode(0), machine.symbol(name), name)]);
      expect(rax(machine, code, { 1: target.entry })).toBe(42n);
    },
  );

  test("a call of one is an indirect call", () => {
    const machine = newMachine();
    const target = place(machine, callee);
    const thunk = machine.symbol("__x86_indirect_call_thunk_rdi");
    const code = place(machine, [direct("e8", machine.allocateCode(0), thunk, "thunk"), ["ffc0", "inc eax"], RET]);
    expect(rax(machine, code, { [RDI]: target.entry })).toBe(43n);
  });

  test("where an indirect jump may not go, a retpoline may not either", () => {
    const machine = newMachine();
    const target = place(machine, callee);
    const thunk = machine.symbol("__x86_indirect_thunk_rdi");
    const code = place(machine, [direct("e9", machine.allocateCode(0), thunk, "thunk")]);
    expect(enter(machine, code, { [RDI]: target.line[1] })).toMatchObject({ kind: "landing", pc: target.line[1] });
  });

  test("the int3 that speculation is caught in is never executed", () => {
    const { bytes, starts } = kernelCode("__x86_indirect_thunk_r11", ...nowhere)!;
    expect(Buffer.from(bytes).toString("hex")).toBe("e801000000cc4c891c24c3cc");
    expect(starts).toEqual([0, 5, 6, 10, 11]);
  });
});

describe("return thunks", () => {
  test.each([
    "__x86_return_thunk",
    "srso_return_thunk",
    "srso_alias_return_thunk",
    "retbleed_return_thunk",
    "its_return_thunk",
  ])("%s returns", (name) => {
    const machine = newMachine();
    const code = place(machine, [
      ["b807000000", "mov eax, 7"],
      direct("e9", machine.allocateCode(0) + 5n, machine.symbol(name), name),
    ]);
    expect(rax(machine, code)).toBe(7n);
  });

  test.each(KERNELS.filter((name) => name !== "linux-6.1"))(
    "call_depth_return_thunk shifts call_depth of %s",
    (kernel) => {
      const machine = newMachine(kernel);
      const depth = machine.percpu.address(machine.symbol("call_depth"), 0);
      machine.memory.store(depth, 8, 0x8000_0000_0000_0123n);
      const thunk = machine.symbol("call_depth_return_thunk");
      const code = place(machine, [direct("e9", machine.allocateCode(0), thunk, "call_depth_return_thunk")]);
      rax(machine, code);
      expect(machine.memory.load(depth, 8)).toBe(0x2460n);
    },
  );
});

test("no other symbol has code: what is called there is a model or nothing", () => {
  for (const name of ["bpf_loop", "__x86_indirect_thunk_array", "__x86_indirect_thunk_r16", "x86_return_thunk"])
    expect(kernelCode(name, ...nowhere)).toBeUndefined();
});

test("thunks leave every register alone", () => {
  const machine = newMachine();
  const target = place(machine, [RET]);
  const thunk = machine.symbol("__x86_indirect_thunk_rdi");
  const code = place(machine, [direct("e9", machine.allocateCode(0), thunk, "thunk")]);
  rax(machine, code, { [RDI]: target.entry, [RBX]: 1n, [RBP]: 2n, [RAX]: 3n });
  expect([RDI, RBX, RBP, RAX].map((reg) => machine.engine.regs[reg])).toEqual([target.entry, 1n, 2n, 3n]);
});
