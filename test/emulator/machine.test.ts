import { describe, expect, test } from "vitest";
import { GS_BASE, PROT_READ, RAX, RCX, RDI, RDX, RFLAGS, RIP, RSI, RSP } from "../../emulator/engine.ts";
import { entryPattern } from "../../emulator/entry.ts";
import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import type { Machine } from "../../emulator/machine.ts";
import { PAGE } from "../../emulator/memory.ts";
import { eachKernel, enter, type Line, le, newMachine, place, RET } from "./guest.ts";

/** `mov rax, gs:[symbol]` */
const load = (machine: Machine, symbol: string): Line => [
  `65488b0425 ${le(machine.symbol(symbol))}`,
  `mov rax, gs:[${symbol}]`,
];

eachKernel("gs on %s", (name) => {
  test("leads to the variables of the CPU that runs, and of the task on it", () => {
    const machine = newMachine(name, { cpus: 2 });
    const second = machine.addTask();
    machine.schedule(1, second);
    const read = (symbol: string) => {
      expect(enter(machine, place(machine, [load(machine, symbol), RET])).kind).toBe("until");
      return machine.engine.regs[RAX];
    };
    expect(read("this_cpu_off")).toBe(machine.percpu.offsets[1]);
    expect(BigInt.asUintN(32, read("cpu_number"))).toBe(1n);
    expect(read("current_task")).toBe(second.address);
    machine.schedule(0, machine.tasks[0]);
    expect(read("this_cpu_off")).toBe(machine.percpu.offsets[0]);
    expect(BigInt.asUintN(32, read("cpu_number"))).toBe(0n);
    expect(read("current_task")).toBe(machine.tasks[0].address);
  });

  test("is this_cpu_off: a per-CPU pointer plus it is the variable's address", () => {
    const machine = newMachine(name);
    const pointer = machine.percpu.allocate(8);
    machine.memory.store(machine.percpu.address(pointer, 0), 8, 77n);
    const code = place(machine, [load(machine, "this_cpu_off"), ["488b0407", "mov rax, [rdi + rax]"], RET]);
    expect(enter(machine, code, { [RDI]: pointer }).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(77n);
    expect(machine.engine.regs[GS_BASE]).toBe(machine.percpu.offsets[0]);
  });
});

describe("a program is entered", () => {
  test("with its context in rdi, a return address on the stack, and no register that means anything else", () => {
    const machine = newMachine();
    const code = place(machine, [RET]);
    machine.prepare({ entry: code.entry, context: 0x1234n, second: 5n });
    const { regs } = machine.engine;
    expect([regs[RIP], regs[RDI], regs[RSI], regs[RFLAGS]]).toEqual([code.entry, 0x1234n, 5n, 0x202n]);
    expect(machine.memory.load(regs[RSP], 8)).toBe(RETURN_TO_KERNEL);
    for (let reg = 0; reg < 16; reg++) if (![RDI, RSI, RSP].includes(reg)) expect(regs[reg]).toBe(entryPattern(reg));
    expect(new Set(Array.from({ length: 16 }, (_, reg) => entryPattern(reg))).size).toBe(16);
  });

  test("and is back in the kernel when it returns", () => {
    const machine = newMachine();
    const code = place(machine, [["b807000000", "mov eax, 7"], RET]);
    expect(enter(machine, code)).toEqual({ kind: "until", pc: RETURN_TO_KERNEL });
    expect(machine.engine.regs[RAX]).toBe(7n);
    expect(machine.engine.icount).toBe(2);
  });
});

describe("the address space says no, at the very instruction", () => {
  const STORE: Line[] = [["90", "nop"], ["48890f", "mov [rdi], rcx"], RET];
  const LOAD: Line[] = [["90", "nop"], ["488b07", "mov rax, [rdi]"], RET];

  test.each<[what: string, where: (machine: Machine) => bigint, mapped: boolean]>([
    ["JITed code", ({ functions }) => functions[0].entry, true],
    ["kernel text", (machine) => machine.symbol("bpf_ktime_get_ns"), true],
    ["kernel variables that are only read", (machine) => machine.symbol("jiffies"), true],
    ["the frames of the program's callers", ({ task }) => task.stackHigh + 0x100n, true],
    ["NULL", () => 0x8n, false],
    ["user space", () => 0x7fff_0000_1000n, false],
    ["the hole between the halves", () => 0x0000_8000_0000_0000n, false],
    ["an address that is not canonical", () => 0xdead_0000_0bad_0000n, false],
    ["the page below the stack", ({ task }) => task.stackLow - 8n, false],
    ["the page above the callers' frames", ({ task }) => task.stackHigh + PAGE, false],
    ["the top of the address space", () => 0xffff_ffff_ffff_fff0n, false],
  ])("to a store into %s", (_, where, mapped) => {
    const machine = newMachine();
    const code = place(machine, STORE);
    const addr = where(machine);
    expect(enter(machine, code, { [RDI]: addr })).toEqual({
      kind: "fault",
      pc: code.line[1],
      access: "write",
      addr,
      size: 8,
      mapped,
    });
  });

  test.each<[what: string, where: (machine: Machine) => bigint]>([
    ["the direct map", (machine) => machine.heap.take(8)],
    ["the CPU's own area", (machine) => machine.percpu.address(machine.percpu.allocate(8), 0)],
    ["the task_struct", ({ task }) => task.address + 128n],
    ["the stack", ({ engine }) => engine.regs[RSP] - 0x100n],
  ])("but not to one into %s", (_, where) => {
    const machine = newMachine();
    // rsp below, so that the store is not below it
    const code = place(machine, [
      ["4881ec00020000", "sub rsp, 512"],
      ...STORE.slice(1, 2),
      ["4881c400020000", "add rsp, 512"],
      RET,
    ]);
    machine.prepare({ entry: code.entry, context: 0n });
    const addr = where(machine);
    expect(enter(machine, code, { [RDI]: addr, [RCX]: 0x77n }).kind).toBe("until");
    expect(machine.memory.load(addr, 8)).toBe(0x77n);
  });

  test("code, callers' frames and read-only variables may be read", () => {
    const machine = newMachine();
    const code = place(machine, LOAD);
    for (const addr of [code.entry, machine.symbol("bpf_ktime_get_ns"), machine.task.stackHigh]) {
      expect(enter(machine, code, { [RDI]: addr }).kind).toBe("until");
      expect(machine.engine.regs[RAX]).toBe(machine.memory.load(addr, 8));
    }
  });

  test("to a load where nothing is", () => {
    const machine = newMachine();
    const code = place(machine, LOAD);
    const stop = enter(machine, code, { [RDI]: 0n });
    expect(stop).toEqual({ kind: "fault", pc: code.line[1], access: "read", addr: 0n, size: 8, mapped: false });
  });

  test.each<[what: string, where: (machine: Machine) => bigint]>([
    ["data of the direct map", (machine) => machine.heap.take(64)],
    ["the stack", ({ task }) => task.stackLow + 0x800n],
    ["the frames of the program's callers", ({ task }) => task.stackHigh + 0x80n],
    ["per-CPU variables", (machine) => machine.percpu.address(machine.percpu.allocate(64), 0)],
  ])("to executing %s", (_, where) => {
    const machine = newMachine();
    const code = place(machine, [
      ["90", "nop"],
      ["ffe7", "jmp rdi"],
    ]);
    const addr = where(machine);
    machine.memory.write(addr, Uint8Array.of(0xc3)); // it would be a fine ret
    const stop = enter(machine, code, { [RDI]: addr });
    expect(stop).toMatchObject({ kind: "fault", access: "fetch", addr, mapped: true });
  });

  test("to a stack that overflows: the push into the guard page has not been done", () => {
    const machine = newMachine();
    const code = place(machine, [
      ["50", "1: push rax"],
      ["ebfd", "jmp 1b"],
    ]);
    const { stackLow, stackHigh } = machine.task;
    const stop = enter(machine, code);
    expect(stop).toEqual({
      kind: "fault",
      pc: code.line[0],
      access: "write",
      addr: stackLow - 8n,
      size: 8,
      mapped: false,
    });
    expect(machine.engine.regs[RSP]).toBe(stackLow);
    expect(stackHigh - stackLow).toBe(16384n);
  });

  test("to a stack that underflows", () => {
    const machine = newMachine();
    const code = place(machine, [
      ["58", "1: pop rax"],
      ["ebfd", "jmp 1b"],
    ]);
    expect(enter(machine, code)).toMatchObject({
      kind: "fault",
      pc: code.line[0],
      access: "read",
      addr: machine.task.stackHigh + PAGE,
      mapped: false,
    });
  });
});

describe("two machines", () => {
  test("the same calls give the same addresses and the same registers", () => {
    const run = () => {
      const machine = newMachine("linux-6.18", { cpus: 2 });
      const code = place(machine, [["4889e0", "mov rax, rsp"], RET]);
      enter(machine, code, { [RDX]: 1n });
      return [code.entry, machine.symbol("bpf_loop"), machine.heap.take(8), [...machine.engine.regs]];
    };
    expect(run()).toEqual(run());
  });

  test("know nothing of each other", () => {
    const [a, b] = [newMachine(), newMachine()];
    const addr = a.heap.take(8);
    a.memory.store(addr, 8, 1n);
    expect(b.memory.load(addr, 8)).toBe(0n);
  });
});

test("ranges that a capture brings along are mapped beside the usual ones, with their protection", () => {
  const machine = newMachine("linux-6.12", {
    regions: [{ start: 0xffffffff9a000000n, size: 0x2000n, prot: PROT_READ }],
  });
  const code = place(machine, [["48890f", "mov [rdi], rcx"], RET]);
  expect(enter(machine, code, { [RDI]: 0xffffffff9a001000n })).toMatchObject({ kind: "fault", mapped: true });
  expect(enter(machine, code, { [RDI]: 0xffffffff9a002000n })).toMatchObject({ kind: "fault", mapped: false });
});
