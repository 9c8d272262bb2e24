import { describe, expect, test } from "vitest";
import { PROT_EXEC, PROT_READ, PROT_WRITE, RDI } from "../../emulator/engine.ts";
import { GuestFault, pageDown, pageUp } from "../../emulator/memory.ts";
import { enter, newMachine, place, RET } from "./guest.ts";

const AT = 0x10000n;

describe("GuestMemory", () => {
  test("integers are little endian, of 1, 2, 4 or 8 bytes, negative ones as their two's complement", () => {
    const { memory } = newMachine();
    memory.ensure(AT, 64n, PROT_READ);
    memory.store(AT, 8, 0x1122334455667788n);
    expect([...memory.read(AT, 8)]).toEqual([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    expect([memory.load(AT, 1), memory.load(AT + 1n, 2), memory.load(AT + 4n, 4)]).toEqual([
      0x88n,
      0x6677n,
      0x11223344n,
    ]);
    memory.store(AT, 4, -2n);
    expect(memory.load(AT, 8)).toBe(0x11223344fffffffen);
    memory.store(AT, 1, 0x1ffn);
    expect(memory.load(AT, 2)).toBe(0xffffn);
    memory.fill(AT, 3, 7);
    expect([...memory.read(AT, 4)]).toEqual([7, 7, 7, 0xff]);
  });

  test("ensure() maps what is missing, and leaves what is there as it is", () => {
    const { memory } = newMachine();
    memory.ensure(AT + 0x1000n, 1n, PROT_READ);
    memory.store(AT + 0x1000n, 8, 5n);
    memory.ensure(AT, 0x3000n, PROT_READ | PROT_WRITE);
    expect(memory.load(AT + 0x1000n, 8)).toBe(5n);
    expect(memory.isMapped(AT, 0x3000)).toBe(true);
    memory.ensure(AT, 0x3000n, PROT_EXEC);
    expect([memory.isMapped(AT - 1n, 2), memory.isMapped(AT + 0x2fffn, 2)]).toEqual([false, false]);
  });

  test("the page that was there keeps its protection", () => {
    const machine = newMachine();
    machine.memory.ensure(AT + 0x1000n, 1n, PROT_READ);
    machine.memory.ensure(AT, 0x3000n, PROT_READ | PROT_WRITE);
    const code = place(machine, [["48890f", "mov [rdi], rcx"], RET]);
    const store = (addr: bigint) => enter(machine, code, { [RDI]: addr }).kind;
    expect([store(AT), store(AT + 0x1000n), store(AT + 0x2000n)]).toEqual(["until", "fault", "until"]);
  });

  test("parts of pages become whole ones", () => {
    const { memory } = newMachine();
    memory.ensure(AT + 0xff0n, 0x20n, PROT_READ);
    expect(memory.isMapped(AT, 0x2000)).toBe(true);
    expect([pageDown(0x1fffn), pageUp(0x1001n), pageUp(0x1000n)]).toEqual([0x1000n, 0x2000n, 0x1000n]);
  });

  test("an access that is not mapped to its end is a GuestFault, and does nothing", () => {
    const { memory } = newMachine();
    memory.ensure(AT, 0x1000n, PROT_READ | PROT_WRITE);
    const end = AT + 0xffcn;
    const fault = (what: string, at: string, size = 8) =>
      new GuestFault(`it ${what} ${size} bytes at ${at}, and they are not all mapped`);
    expect(() => memory.read(end, 8)).toThrow(fault("reads", "0x10ffc"));
    expect(() => memory.load(end, 8)).toThrow(fault("reads", "0x10ffc"));
    expect(() => memory.store(end, 8, 1n)).toThrow(fault("writes", "0x10ffc"));
    expect(() => memory.write(0n, Uint8Array.of(1))).toThrow(fault("writes", "0x0", 1));
    expect(() => memory.fill(end, 8, 1)).toThrow(fault("writes", "0x10ffc"));
    expect(memory.load(end, 4)).toBe(0n);
  });

  test("a length that no buffer has is the program's fault, not a crash", () => {
    const { memory } = newMachine();
    memory.ensure(AT, 0x1000n, PROT_READ);
    expect(() => memory.read(AT, 2 ** 53)).toThrow(GuestFault);
    expect(() => memory.fill(AT, 2 ** 60)).toThrow(GuestFault);
    expect(() => memory.read(2n ** 64n - 4n, 8)).toThrow(GuestFault);
  });

  test("nothing can be read anywhere", () => {
    const { memory } = newMachine();
    expect(memory.read(0n, 0)).toEqual(new Uint8Array());
    expect(() => memory.write(0n, new Uint8Array())).not.toThrow();
  });
});
