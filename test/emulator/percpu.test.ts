import { describe, expect, test } from "vitest";
import { OutOfSpace } from "../../emulator/allocator.ts";
import { PERCPU_AREA_SIZE } from "../../emulator/percpu.ts";
import { eachKernel, newMachine } from "./guest.ts";

eachKernel("per-CPU areas of %s", (name) => {
  test("a pointer plus a CPU's offset is an address of that CPU's alone", () => {
    const machine = newMachine(name, { cpus: 3 });
    const pointer = machine.percpu.allocate(16);
    for (let cpu = 0; cpu < 3; cpu++)
      machine.memory.store(machine.percpu.address(pointer, cpu) + 8n, 8, BigInt(cpu + 1));
    const read = (at: bigint) =>
      [0, 1, 2].map((cpu) => machine.memory.load(machine.percpu.address(pointer, cpu) + at, 8));
    expect([read(0n), read(8n)]).toEqual([
      [0n, 0n, 0n],
      [1n, 2n, 3n],
    ]);
  });

  test("this_cpu_off holds the offset, cpu_number the number", () => {
    const machine = newMachine(name, { cpus: 2 });
    for (const cpu of [0, 1]) {
      const at = (symbol: string) => machine.percpu.address(machine.symbol(symbol), cpu);
      expect(machine.memory.load(at("this_cpu_off"), 8)).toBe(machine.percpu.offsets[cpu]);
      expect(machine.memory.load(at("cpu_number"), 4)).toBe(BigInt(cpu));
    }
  });

  test("what is allocated lies behind the kernel's own variables", () => {
    const machine = newMachine(name);
    const { start, symbols } = machine.layout.percpu;
    const pointer = machine.percpu.allocate(8);
    for (const symbol of Object.values(symbols)) expect(pointer > symbol + 8n).toBe(true);
    expect(pointer - start < PERCPU_AREA_SIZE).toBe(true);
  });
});

describe("per-CPU allocation", () => {
  test("is aligned, never overlaps, and says when the area is full", () => {
    const { percpu } = newMachine();
    const [a, b, c] = [percpu.allocate(1), percpu.allocate(1), percpu.allocate(8, 256)];
    expect([b - a, c % 256n]).toEqual([8n, 0n]);
    expect(() => percpu.allocate(0x40000)).toThrow(new OutOfSpace("the per-CPU area is full"));
  });

  test("a variable that this kernel doesn't have is not stored", () => {
    const machine = newMachine("linux-6.1");
    const before = machine.memory.read(machine.percpu.address(0n, 0), 0x40000);
    machine.percpu.set(0, "call_depth", 8, 77n);
    expect(Buffer.compare(machine.memory.read(machine.percpu.address(0n, 0), 0x40000), before)).toBe(0);
  });
});
