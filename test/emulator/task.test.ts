import { describe, expect, test } from "vitest";
import { GS_BASE, RDI, RSP } from "../../emulator/engine.ts";
import { STACK_SIZE } from "../../emulator/task.ts";
import { eachKernel, enter, newMachine, place, RET } from "./guest.ts";

describe("tasks", () => {
  test("have a task_struct and a stack of 16 KiB each, apart from one another", () => {
    const machine = newMachine();
    const tasks = [machine.tasks[0], machine.addTask(), machine.addTask()];
    expect(tasks.map(({ pid }) => pid)).toEqual([1, 2, 3]);
    for (const { stackLow, stackHigh } of tasks) expect(stackHigh - stackLow).toBe(STACK_SIZE);
    for (const [i, task] of tasks.slice(1).entries()) {
      expect(task.address - tasks[i].address >= 16384n).toBe(true);
      expect(task.stackLow - tasks[i].stackHigh >= 2n * 4096n).toBe(true); // the callers' frames, a guard page
    }
  });

  test("run on their own stack, and tag what happens with their pid and the CPU", () => {
    const machine = newMachine("linux-6.12", { cpus: 2 });
    const second = machine.addTask();
    machine.schedule(1, second);
    expect([machine.cpu, machine.task]).toEqual([1, second]);
    const code = place(machine, [["55", "push rbp"], ["5d", "pop rbp"], RET]);
    machine.prepare({ entry: code.entry, context: 0n });
    expect(machine.engine.regs[RSP]).toBe(second.stackHigh);
    expect(machine.resume(10).kind).toBe("until");
    expect(machine.engine.tag).toBe((2n << 32n) | 1n);
    expect(machine.engine.regs[GS_BASE]).toBe(machine.percpu.offsets[1]);
  });

  test("the current task of one CPU is not that of another", () => {
    const machine = newMachine("linux-6.12", { cpus: 2 });
    const second = machine.addTask();
    machine.schedule(1, second);
    const current = (cpu: number) =>
      machine.memory.load(machine.percpu.address(machine.symbol("current_task"), cpu), 8);
    expect([current(0), current(1)]).toEqual([machine.tasks[0].address, second.address]);
  });

  test("every stack is guarded: a store below rsp is seen on each", () => {
    const machine = newMachine();
    const code = place(machine, [["48894424f8", "mov [rsp-8], rax"], RET]);
    for (const task of [machine.tasks[0], machine.addTask()]) {
      machine.schedule(0, task);
      const stop = enter(machine, code, { [RDI]: 0n });
      expect(stop).toMatchObject({ kind: "stack", addr: task.stackHigh - 8n, why: "below-rsp" });
    }
  });
});

eachKernel("a task_struct of %s", (name) => {
  test("leads to what programs read through BTF pointers: signal, fs, files", () => {
    const machine = newMachine(name);
    const { members } = machine.layout.structs.task_struct;
    const { structs } = machine.layout;
    const field = (pointer: string, struct: string, member: string) => {
      const part = machine.memory.load(machine.task.address + BigInt(members[pointer]), 8);
      return machine.memory.load(part + BigInt(structs[struct].members[member]), 4);
    };
    expect(field("signal", "signal_struct", "nr_threads")).toBe(1n);
    expect(field("fs", "fs_struct", "users")).toBe(1n);
    expect(field("fs", "fs_struct", "umask")).toBe(0o22n);
    expect(field("files", "files_struct", "next_fd")).toBe(3n);
  });

  test("has neither mm nor io_context, as a kernel thread", () => {
    const machine = newMachine(name);
    const { members } = machine.layout.structs.task_struct;
    for (const pointer of ["mm", "io_context"])
      expect(machine.memory.load(machine.task.address + BigInt(members[pointer]), 8)).toBe(0n);
  });
});
