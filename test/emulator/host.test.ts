import { describe, expect, test } from "vitest";
import {
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RFLAGS,
  RIP,
  RSI,
  RSP,
} from "../../emulator/engine.ts";
import { type HostFunction, poison, UnmodelledCall } from "../../emulator/host.ts";
import type { Machine } from "../../emulator/machine.ts";
import { GuestFault } from "../../emulator/memory.ts";
import { callTo, enter, type Line, newMachine, type Placed, place, RET, rax } from "./guest.ts";

/** Registers that a C function may leave as it likes, and those that it must not change. */
const SCRATCH = [RCX, RDX, RSI, RDI, R8, R9, R10, R11];
const SAVED = [RBX, RBP, R12, R13, R14, R15];

/** A machine with a kernel function `f`, and code that calls it once. */
function calling(model: HostFunction, after: Line[] = []): { machine: Machine; code: Placed; f: bigint } {
  const machine = newMachine();
  machine.host.provide("f", model);
  const f = machine.symbol("f");
  return { machine, code: place(machine, [...callTo(f, "f"), ...after, RET]), f };
}

describe("a kernel function", () => {
  test("is handed rdi, rsi, rdx, rcx, r8 and r9, and returns in rax", () => {
    const seen: (readonly bigint[])[] = [];
    const { machine, code } = calling(({ args, name }) => {
      expect(name).toBe("f");
      seen.push(args);
      return -22n;
    });
    const registers = { [RDI]: 1n, [RSI]: 2n, [RDX]: 3n, [RCX]: 4n, [R8]: 5n, [R9]: 6n };
    expect(enter(machine, code, registers).kind).toBe("until");
    expect(seen).toEqual([[1n, 2n, 3n, 4n, 5n, 6n]]);
    expect(machine.engine.regs[RAX]).toBe(0xffffffffffffffean);
  });

  test("leaves poison in every register that the ABI lets it scratch, and nothing else", () => {
    const { machine, code } = calling(() => 0n);
    const saved = Object.fromEntries(SAVED.map((reg) => [reg, BigInt(reg) * 0x1111n]));
    rax(machine, code, saved);
    for (const reg of SCRATCH) expect(machine.engine.regs[reg]).toBe(poison(reg));
    for (const reg of SAVED) expect(machine.engine.regs[reg]).toBe(saved[reg]);
    expect(machine.engine.regs[RSP]).toBe(machine.task.stackHigh + 8n);
  });

  test("poison is no address, and tells the register", () => {
    expect(new Set(SCRATCH.map(poison)).size).toBe(SCRATCH.length);
    for (const reg of SCRATCH) expect([48n, 63n].map((bit) => (poison(reg) >> bit) & 1n)).toEqual([1n, 1n]);
    expect(poison(RCX) >> 48n).toBe(0xdeadn);
  });

  test("sets all arithmetic flags, so that a jump on what was compared before goes wrong", () => {
    const { machine, code } = calling(
      () => 0n,
      [
        ["9f", "lahf"],
        ["0f90c0", "seto al"],
      ],
    );
    expect(enter(machine, code, { [RFLAGS]: 0x202n }).kind).toBe("until");
    const SF_ZF_AF_PF_CF = 0xd7n; // and bit 1, which is always there
    expect(machine.engine.regs[RAX]).toBe((SF_ZF_AF_PF_CF << 8n) | 1n);
  });

  test("leaves the direction flag clear, as the ABI demands", () => {
    const { machine, code } = calling(() => 0n);
    rax(machine, code);
    expect(machine.engine.regs[RFLAGS] & 0x400n).toBe(0n);
  });

  test("one instruction, its ret, is executed", () => {
    const { machine, code } = calling(() => 0n);
    rax(machine, code);
    expect(machine.engine.icount).toBe(3 + 1);
  });

  test("that nobody modelled is an error that knows the caller", () => {
    const machine = newMachine();
    const code = place(machine, [...callTo(machine.symbol("bpf_redirect"), "bpf_redirect"), RET]);
    let error: unknown;
    try {
      enter(machine, code);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UnmodelledCall);
    expect(error).toMatchObject({
      message: "the machine has no model of bpf_redirect",
      symbol: "bpf_redirect",
      returnAddress: code.line[2],
    });
  });

  test("that cannot work with what it was handed stops the run at itself", () => {
    const { machine, code, f } = calling(({ args }) => machine.memory.load(args[0], 8));
    const stop = enter(machine, code, { [RDI]: 0x10n });
    expect(stop).toMatchObject({ kind: "watch", pc: f });
    expect(machine.host.fault).toEqual({
      symbol: "f",
      returnAddress: code.line[2],
      message: "it reads 8 bytes at 0x10, and they are not all mapped",
    });
    machine.prepare({ entry: code.entry, context: 0n });
    expect(machine.host.fault).toBeUndefined();
  });

  test("whose model has a bug is no fault of the program", () => {
    const { machine, code } = calling(() => {
      throw new TypeError("a bug");
    });
    expect(() => enter(machine, code)).toThrow(new TypeError("a bug"));
    expect(machine.host.fault).toBeUndefined();
  });
});

describe("a kernel function with a callback", () => {
  /** rax = rdi + rsi, everything that is scratch spoilt */
  const CALLBACK: Line[] = [
    ["488d0437", "lea rax, [rdi + rsi]"],
    ["4831ff", "xor rdi, rdi"],
    ["4831f6", "xor rsi, rsi"],
    RET,
  ];

  test("calls guest code with arguments of its own and gets its rax", () => {
    const got: bigint[] = [];
    const { machine, code } = calling(function* ({ args }) {
      got.push(yield { call: args[0], args: [40n, 2n] });
      got.push(yield { call: args[0], args: [-1n, 0n] });
      return got[0] + 1n;
    });
    const callback = place(machine, CALLBACK);
    expect(enter(machine, code, { [RDI]: callback.entry }).kind).toBe("until");
    expect(got).toEqual([42n, 0xffffffffffffffffn]);
    const { regs } = machine.engine;
    expect([regs[RAX], regs[RSP]]).toEqual([43n, machine.task.stackHigh + 8n]);
    for (const reg of SCRATCH) expect(regs[reg]).toBe(poison(reg));
  });

  test("enters it on a frame of its own, with poison where there is no argument", () => {
    const { machine, code } = calling(function* ({ args }) {
      yield { call: args[0], args: [1n] };
      return 0n;
    });
    // what the callback sees: its registers, stored on the direct map
    const heap = machine.heap.take(64);
    const store = (modrm: string, at: number): Line => [`48 89 ${modrm} ${at.toString(16).padStart(2, "0")}`, "mov"];
    const callback = place(machine, [store("73", 0), store("53", 8), store("43", 16), store("63", 24), RET]);
    const rsp = machine.task.stackHigh - 8n; // behind the call of f
    rax(machine, code, { [RDI]: callback.entry, [RBX]: heap });
    expect([0n, 8n, 16n].map((at) => machine.memory.load(heap + at, 8))).toEqual([
      poison(RSI),
      poison(RDX),
      poison(RAX),
    ]);
    expect(machine.memory.load(heap + 24n, 8)).toBeLessThan(rsp);
  });

  test("functions with callbacks nest", () => {
    const order: string[] = [];
    const machine = newMachine();
    machine.host.provide("outer", function* ({ args }) {
      order.push("outer");
      const inner = yield { call: args[0], args: [7n] };
      order.push("back in outer");
      return inner * 10n;
    });
    machine.host.provide("inner", function* ({ args }) {
      order.push("inner");
      const sum = yield { call: args[1], args: [args[0], 1n] };
      order.push("back in inner");
      return sum;
    });
    const add = place(machine, CALLBACK);
    const callback = place(machine, [
      [`48be ${Buffer.from(new BigUint64Array([add.entry]).buffer).toString("hex")}`, "mov rsi, add"],
      ...callTo(machine.symbol("inner"), "inner"),
      RET,
    ]);
    const code = place(machine, [...callTo(machine.symbol("outer"), "outer"), RET]);
    expect(enter(machine, code, { [RDI]: callback.entry }).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(80n);
    expect(order).toEqual(["outer", "inner", "back in inner", "back in outer"]);
  });

  test("may leave for good", () => {
    const { machine, code } = calling(function* ({ args }) {
      yield { jump: args[0], args: [5n] };
      throw new Error("never resumed");
    });
    const target = place(machine, [["4889f8", "mov rax, rdi"], ["59", "pop rcx"], RET]);
    expect(enter(machine, code, { [RDI]: target.entry }).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(5n);
  });

  test("that faults behind its callback is found at its own call", () => {
    const { machine, code } = calling(function* ({ args }) {
      yield { call: args[0], args: [1n, 2n] };
      throw new GuestFault("0x0 is no map");
    });
    const callback = place(machine, CALLBACK);
    expect(enter(machine, code, { [RDI]: callback.entry })).toMatchObject({ kind: "watch" });
    expect(machine.host.fault).toEqual({ symbol: "f", returnAddress: code.line[2], message: "0x0 is no map" });
  });

  test("an abandoned run leaves no call waiting for the next one", () => {
    const { machine, code } = calling(function* ({ args }) {
      return yield { call: args[0], args: [3n, 4n] };
    });
    const callback = place(machine, CALLBACK);
    for (let i = 0; i < 3; i++) expect(enter(machine, code, { [RDI]: callback.entry }, 5).kind).toBe("budget");
    expect(enter(machine, code, { [RDI]: callback.entry }).kind).toBe("until");
    expect(machine.engine.regs[RAX]).toBe(7n);
  });

  test("a return to where callbacks return, without one, is a fault of the program", () => {
    const { machine } = calling(() => 0n);
    const stub = machine.symbols.address("(callback return)");
    const code = place(machine, [["57", "push rdi"], RET]);
    expect(enter(machine, code, { [RDI]: stub })).toMatchObject({ kind: "watch", pc: stub });
    expect(machine.host.fault?.message).toBe("a return that no kernel function waits for");
    expect(machine.engine.regs[RIP]).toBe(stub);
  });
});
