import { describe, expect, test } from "vitest";
import { R12, RBX, RDI } from "../../../emulator/engine.ts";
import type { HashMap } from "../../../emulator/maps/hash.ts";
import { keyOf } from "../../../emulator/maps/map.ts";
import { loadBpf, mapDef } from "../bpf.ts";
import { callTo, enter, type Line, newKernel, place, RET, rax } from "../guest.ts";
import { bytesAt, call, faultOf } from "./call.ts";

const [E2BIG, EINVAL] = [-7n, -22n];

describe("bpf_loop(nr_loops, callback(index, ctx), ctx, flags)", () => {
  /** Adds index to [ctx], and returns 1 at the index that [ctx + 8] says. */
  const SUM: Line[] = [
    ["48013e", "add [rsi], rdi"],
    ["31c0", "xor eax, eax"],
    ["483b7e08", "cmp rdi, [rsi + 8]"],
    ["0f94c0", "sete al"],
    RET,
  ];
  function loop(count: bigint, stopAt = -1n, flags = 0n) {
    const kernel = newKernel();
    const context = bytesAt(kernel, new Uint8Array(new BigUint64Array([0n, BigInt.asUintN(64, stopAt)]).buffer));
    const callback = place(kernel.machine, SUM);
    const result = call(kernel, "bpf_loop", count, callback.entry, context, flags);
    return [result, kernel.machine.memory.load(context, 8)];
  }

  test("calls back with 0, 1, ... and returns how often", () => {
    expect(loop(10n)).toEqual([10n, 45n]);
    expect(loop(0n)).toEqual([0n, 0n]);
  });

  test("ends early when the callback returns 1, that call counted", () => {
    expect(loop(10n, 3n)).toEqual([4n, 6n]);
    expect(loop(10n, 0n)).toEqual([1n, 0n]);
  });

  test("takes the count as u32, 8 Mi at most, and no flags", () => {
    expect(loop((1n << 32n) | 3n)).toEqual([3n, 3n]);
    expect(loop(8n * 1024n * 1024n + 1n)).toEqual([E2BIG, 0n]);
    expect(loop(1n, -1n, 1n)).toEqual([EINVAL, 0n]);
    expect(loop(1n << 31n, -1n, 1n)).toEqual([EINVAL, 0n]);
  });
});

describe("bpf_for_each_map_elem(map, callback(map, key, value, ctx), ctx, flags)", () => {
  /** Adds 4-byte key and 8-byte value to [ctx] and [ctx + 8]; returns 1 when the key is that at [ctx + 16]. */
  const SUM: Line[] = [
    ["8b06", "mov eax, [rsi]"],
    ["480101", "add [rcx], rax"],
    ["488b12", "mov rdx, [rdx]"],
    ["48015108", "add [rcx + 8], rdx"],
    ["3b4110", "cmp eax, [rcx + 16]"],
    ["0f94c0", "sete al"],
    ["0fb6c0", "movzx eax, al"],
    RET,
  ];
  function each(type: "array" | "hash" | "percpu_array" | "percpu_hash", stopAt = -1n, flags = 0n) {
    const kernel = newKernel();
    const map = kernel.addMap(mapDef("m", type, { maxEntries: 3 }));
    for (const i of [0, 1, 2]) map.update(keyOf(i), keyOf(10 * (i + 1), 8), 0n, 0);
    const context = bytesAt(kernel, new Uint8Array(new BigUint64Array([0n, 0n, BigInt.asUintN(64, stopAt)]).buffer));
    const callback = place(kernel.machine, SUM);
    const result = call(kernel, "bpf_for_each_map_elem", map.address, callback.entry, context, flags);
    return [result, kernel.machine.memory.load(context, 8), kernel.machine.memory.load(context + 8n, 8)];
  }

  test.each(["array", "hash", "percpu_array", "percpu_hash"] as const)("visits every element of an %s", (type) => {
    expect(each(type)).toEqual([3n, 3n, 60n]);
  });

  test("stops when the callback returns 1, that element counted", () => {
    expect(each("array", 1n)).toEqual([2n, 1n, 30n]);
    expect(each("hash", 0n)).toEqual([1n, 0n, 10n]);
  });

  test("takes no flags, and no map that isn't one", () => {
    expect(each("array", -1n, 1n)).toEqual([EINVAL, 0n, 0n]);
    expect(call(newKernel(), "bpf_for_each_map_elem", 0x1000n, 0n, 0n, 0n)).toBe(EINVAL);
  });

  test("an element that a callback has deleted is not visited any more", () => {
    const kernel = newKernel();
    const map = kernel.addMap(mapDef("m", "hash", { maxEntries: 3 })) as HashMap;
    for (const i of [0, 1, 2]) map.update(keyOf(i), keyOf(i, 8), 0n, 0);
    kernel.machine.host.provide("delete_the_next", () => map.remove(keyOf(1)));
    const at = kernel.machine.symbol("delete_the_next");
    const callback = place(kernel.machine, [
      [`48b8 ${Buffer.from(new BigUint64Array([at]).buffer).toString("hex")}`, "mov rax, delete_the_next"],
      ["ffd0", "call rax"],
      ["31c0", "xor eax, eax"],
      RET,
    ]);
    expect(call(kernel, "bpf_for_each_map_elem", map.address, callback.entry, 0n, 0n)).toBe(2n);
    expect(map.keys()).toEqual([keyOf(0), keyOf(2)]);
  });

  test("its own variables are on the stack: a million calls use no memory", () => {
    const kernel = newKernel();
    const map = kernel.addMap(mapDef("m", "array"));
    const callback = place(kernel.machine, [["31c0", "xor eax, eax"], RET]);
    const code = () => call(kernel, "bpf_for_each_map_elem", map.address, callback.entry, 0n, 0n);
    code();
    const before = kernel.machine.heap.take(8);
    for (let i = 0; i < 20; i++) expect(code()).toBe(4n);
    expect(kernel.machine.heap.take(8)).toBe(before + 8n);
  });
});

describe("bpf_throw(cookie)", () => {
  const PROGRAM = `
      r6 = 1
      call sub
      r0 = 1
      exit
    sub:
      r7 = 2
      r1 = 42
      call kfunc bpf_throw
      r0 = 2
      exit`;

  test.each(["linux-6.12", "linux-6.18", "linux-7.2"] as const)(
    "ends the program on %s in its exception callback, whose result is the cookie",
    (name) => {
      const kernel = newKernel(name);
      const { functions } = loadBpf(kernel, name, PROGRAM);
      expect(functions).toHaveLength(3);
      kernel.exceptionCallbacks.set(functions[0].entry, functions[2].entry);
      const before = { [RBX]: 0x77n, [R12]: 0x88n };
      expect(rax(kernel.machine, functions[0], { [RDI]: 0n, ...before })).toBe(42n);
      // registers that the whole program saved are back
      expect([RBX, R12].map((reg) => kernel.machine.engine.regs[reg])).toEqual([0x77n, 0x88n]);
    },
  );

  test("without a program that may throw under way there is no frame to go to", () => {
    expect(faultOf(newKernel(), "bpf_throw", 1n)).toMatch(/^it finds no frame/);
  });

  test("a frame that is its own caller ends the walk, too", () => {
    const kernel = newKernel();
    const { machine } = kernel;
    const code = place(machine, [["4889fd", "mov rbp, rdi"], ...callTo(machine.symbol("bpf_throw"), "bpf_throw"), RET]);
    const frame = bytesAt(kernel, new Uint8Array(16));
    machine.memory.store(frame, 8, frame);
    machine.memory.store(frame + 8n, 8, code.line[3]);
    expect(enter(machine, code, { [RDI]: frame }).kind).toBe("watch");
    expect(machine.host.fault).toMatchObject({ symbol: "bpf_throw", returnAddress: code.line[3] });
  });
});
