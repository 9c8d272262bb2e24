import { describe, expect, test } from "vitest";
import { MAP_TYPE_ARRAY, MAP_TYPE_HASH } from "../../bpf/program.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { RAX, RCX } from "../../emulator/engine.ts";
import { fixupFault } from "../../emulator/extable.ts";
import { eachKernel, enter, newKernel, newMachine, place, RET } from "./guest.ts";

describe("a kernel", () => {
  const def = { name: "m", type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1 };

  test("knows its maps by name and by the address of their struct bpf_map", () => {
    const kernel = newKernel();
    const [a, b] = [kernel.addMap(def), kernel.addMap({ ...def, name: "n", type: MAP_TYPE_HASH })];
    expect([kernel.maps.get("m"), kernel.maps.get("n")]).toEqual([a, b]);
    expect([kernel.mapAt(a.address), kernel.mapAt(b.address), kernel.mapAt(a.address + 8n)]).toEqual([a, b, undefined]);
  });

  test("puts a map where a capture has it", () => {
    const kernel = newKernel("linux-6.12", { regions: [{ start: 0xffff888200000000n, size: 0x1000n, prot: 3 }] });
    expect(kernel.addMap(def, 0xffff888200000100n).address).toBe(0xffff888200000100n);
  });

  test("refuses a map type that it has no model of", () => {
    expect(() => newKernel().addMap({ ...def, type: 27 })).toThrow(new RangeError("map type 27 of m is not modelled"));
  });

  test("its clock advances with every look, its chance is a fixed sequence of 32-bit numbers", () => {
    const [a, b] = [newKernel(), newKernel()];
    const clock = [a.now(), a.now(), a.now()];
    expect(clock).toEqual([...clock].sort((x, y) => Number(x - y)));
    expect(new Set(clock).size).toBe(3);
    const chance = Array.from({ length: 100 }, () => a.random());
    expect(chance).toEqual(Array.from({ length: 100 }, () => b.random()));
    expect(new Set(chance).size).toBe(100);
    expect(chance.every((value) => value >= 0n && value < 1n << 32n)).toBe(true);
    expect(chance.some((value) => value >= 1n << 31n)).toBe(true);
  });
});

eachKernel("struct bpf_prog of %s", (name) => {
  test("has bpf_func where the JIT's tail calls read it", () => {
    const kernel = newKernel(name);
    const program = kernel.addProgram("main", 0xffffffffc0001234n);
    const at = kernel.machine.layout.structs.bpf_prog.members.bpf_func as number;
    expect(kernel.machine.memory.load(program.address + BigInt(at), 8)).toBe(0xffffffffc0001234n);
    expect(kernel.programs).toEqual([program]);
  });
});

test.each<[release: string, behaviour: Partial<ReturnType<typeof behaviourOf>>]>([
  ["linux-5.4", { mapOpsReturnInt: true, clearedResults: false, foldedChecksum: false }],
  ["6.1.176+deb12-amd64", { mapOpsReturnInt: true, clearedResults: false, foldedChecksum: false }],
  ["linux-6.3", { mapOpsReturnInt: true }],
  ["linux-6.4", { mapOpsReturnInt: false }],
  ["linux-6.11", { clearedResults: false }],
  ["6.12.95+deb12-cloud-amd64", { mapOpsReturnInt: false, clearedResults: true, foldedChecksum: false }],
  ["linux-6.13", { foldedChecksum: true }],
  ["linux-6.18+mitoff", { foldedChecksum: true }],
  ["7.2-rc1", { mapOpsReturnInt: false, clearedResults: true, foldedChecksum: true }],
])("what %s does", (release, behaviour) => {
  expect(behaviourOf(release)).toMatchObject(behaviour);
});

describe("the exception table", () => {
  const LINES = [["488b08", "mov rcx, [rax]"], ["488908", "mov [rax], rcx"], RET] as const;
  const extable = [
    { offset: 0, length: 3, clear: RCX },
    { offset: 3, length: 3 },
  ];
  const registers = { [RAX]: 0x10n, [RCX]: 7n };

  test("a load that faults goes on behind itself with zero, a store with nothing", () => {
    const machine = newMachine();
    const code = place(machine, LINES, { extable });
    const load = enter(machine, code, registers);
    expect(load).toMatchObject({ kind: "fault", access: "read", pc: code.line[0] });
    expect(fixupFault(machine, load)).toBe(true);
    const store = machine.resume(10);
    expect([machine.engine.regs[RCX], store]).toMatchObject([0n, { kind: "fault", access: "write", pc: code.line[1] }]);
    expect(fixupFault(machine, store)).toBe(true);
    expect(machine.resume(10).kind).toBe("until");
  });

  test("takes care of no other instruction, no other code, and of no fetch", () => {
    const machine = newMachine();
    const code = place(machine, LINES, { extable: extable.slice(1) });
    const load = enter(machine, code, registers);
    expect(fixupFault(machine, load)).toBe(false);
    expect(machine.engine.regs[RCX]).toBe(7n);
    expect(fixupFault(machine, { ...load, pc: 0x1234n })).toBe(false);
    const fetch = { kind: "fault", access: "fetch", pc: code.line[1], addr: 0n, size: 0, mapped: false } as const;
    expect(fixupFault(machine, fetch)).toBe(false);
    expect(fixupFault(machine, { kind: "budget", pc: code.line[1] })).toBe(false);
  });
});
