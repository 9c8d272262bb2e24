import { describe, expect, test } from "vitest";
import { Allocator, OutOfSpace } from "../../emulator/allocator.ts";
import { RAX, RDI } from "../../emulator/engine.ts";
import { TEXT_BASE, TEXT_SIZE } from "../../emulator/layout.ts";
import { SymbolTable } from "../../emulator/symbols.ts";
import { callTo, enter, newMachine, place, RET } from "./guest.ts";

describe("the symbols of a machine", () => {
  test("a function gets its address when somebody first asks, and keeps it", () => {
    const machine = newMachine();
    const a = machine.symbol("bpf_ktime_get_ns");
    const b = machine.symbol("bpf_loop");
    expect(machine.symbol("bpf_ktime_get_ns")).toBe(a);
    expect(b).not.toBe(a);
    for (const address of [a, b]) expect(address >= TEXT_BASE && address < TEXT_BASE + TEXT_SIZE).toBe(true);
    expect([machine.symbols.nameAt(a), machine.symbols.nameAt(a + 1n)]).toEqual(["bpf_ktime_get_ns", undefined]);
  });

  test("addresses that the layout gives are used", () => {
    const layout = { ...newMachine().layout, symbols: { bpf_loop: 0xffffffff81234560n } };
    expect(newMachine("linux-6.12", { layout }).symbol("bpf_loop")).toBe(0xffffffff81234560n);
  });

  test("name+0x.. is so many bytes behind name", () => {
    const machine = newMachine();
    expect(machine.symbol("__bpf_call_base+0x1f")).toBe(machine.symbol("__bpf_call_base") + 31n);
  });

  test("a per-CPU variable's is its per-CPU pointer", () => {
    expect(newMachine("linux-6.12").symbol("pcpu_hot")).toBe(0x35000n);
    expect(newMachine("linux-6.18").symbol("cpu_number")).toBe(0xffffffff83c2b034n);
  });

  test("jiffies can be read at its address", () => {
    const machine = newMachine();
    const read = place(machine, [["488b07", "mov rax, [rdi]"], RET]);
    expect(enter(machine, read, { [RDI]: machine.symbol("jiffies") }).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(4_294_937_296n); // five minutes before its lower half wraps
  });

  test("installAt() puts a model where a capture says, beyond the usual text too", () => {
    const machine = newMachine();
    machine.host.provide("bpf_jiffies64", () => 9n);
    machine.installAt("bpf_jiffies64", 0xffffffff9b000040n);
    const code = place(machine, [...callTo(0xffffffff9b000040n, "bpf_jiffies64"), RET]);
    expect(enter(machine, code).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(9n);
    expect(machine.symbol("bpf_jiffies64")).toBe(0xffffffff9b000040n);
  });

  test("models() knows helpers and thunks, and no others", () => {
    const machine = newMachine();
    machine.host.provide("bpf_loop", () => 0n);
    for (const name of ["bpf_loop", "__x86_indirect_thunk_r11", "srso_return_thunk"])
      expect([name, machine.models(name)]).toEqual([name, true]);
    for (const name of ["bpf_loops", "__x86_indirect_thunk_rip", ""])
      expect([name, machine.models(name)]).toEqual([name, false]);
  });
});

describe("SymbolTable", () => {
  const table = () => new SymbolTable(new Allocator("text", 0x1000n, 0x1000n), { start: 0x500n, alias: 0x500n });

  test("of two names for an address the first is told", () => {
    expect(table().nameAt(0x500n)).toBe("start");
    expect([table().address("start"), table().address("alias")]).toEqual([0x500n, 0x500n]);
  });

  test("new symbols are 64-byte aligned and don't overlap", () => {
    const symbols = table();
    expect([symbols.address("a"), symbols.address("b", 65), symbols.address("c"), symbols.address("a")]).toEqual([
      0x1000n,
      0x1040n,
      0x10c0n,
      0x1000n,
    ]);
    expect([symbols.has("a"), symbols.has("z")]).toEqual([true, false]);
    expect([...symbols.entries()].map(([name]) => name)).toEqual(["start", "alias", "a", "b", "c"]);
  });
});

describe("Allocator", () => {
  test("hands out aligned addresses upwards, each once", () => {
    const space = new Allocator("the heap", 0x1004n, 0x2000n);
    expect([space.take(4), space.take(1, 1), space.take(8), space.take(100, 4096n)]).toEqual([
      0x1008n,
      0x100cn,
      0x1010n,
      0x2000n,
    ]);
  });

  test("to the last byte, and then says what is full", () => {
    const space = new Allocator("the heap", 0n, 64n);
    expect([space.take(56), space.take(8)]).toEqual([0n, 56n]);
    expect(space.take(0)).toBe(64n);
    expect(() => space.take(1)).toThrow(new OutOfSpace("the heap is full"));
    expect(() => new Allocator("the heap", 0n, 64n).take(1n << 70n)).toThrow(OutOfSpace);
  });

  test("what did not fit leaves room for what does", () => {
    const space = new Allocator("the heap", 0n, 64n);
    expect(() => space.take(65)).toThrow(OutOfSpace);
    expect(space.take(64)).toBe(0n);
  });
});
