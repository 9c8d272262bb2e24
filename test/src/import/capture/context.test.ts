import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as P from "../../../../bpf/program.ts";
import { offsetOf } from "../../../../bpf/structs.ts";
import { Kernel } from "../../../../emulator/kernel.ts";
import type { Machine } from "../../../../emulator/machine.ts";
import { packetOf, runContext } from "../../../../src/import/capture/context.ts";
import { initialise, mapDifferences, recordedMaps } from "../../../../src/import/capture/maps.ts";
import { newMachine } from "../../../../src/runner/machine.ts";
import { openFixture } from "./fixtures.ts";

const { layout, behaviour } = openFixture("x86_64-6.12-default").machine;
let machine: Machine;
let kernel: Kernel;
beforeEach(() => {
  machine = newMachine({ layout });
  kernel = new Kernel(machine, behaviour);
});
afterEach(() => machine.close());

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

describe("what a recorded run started with", () => {
  test("byte i of the packet is i, 256 times over", () => {
    expect(hex(packetOf(258)).slice(-8)).toBe("feff0001");
  });

  test("a raw tracepoint's twelve words: 0x1111111111111111 times 1, 2, ...", () => {
    const { address, packet } = runContext(kernel, P.PROG_TYPE_RAW_TRACEPOINT, 0);
    const words = Array.from({ length: 12 }, (_, k) => machine.memory.load(address + BigInt(8 * k), 8));
    expect(words.slice(0, 2)).toEqual([0x1111111111111111n, 0x2222222222222222n]);
    expect(words[11]).toBe((0x1111111111111111n * 12n) & 0xffffffffffffffffn);
    expect(packet).toBeUndefined();
  });

  test.each([
    ["a classifier sees all of the packet", P.PROG_TYPE_SCHED_CLS, 64, "000102030405060708090a0b0c0d0e0f"],
    [
      "a socket filter starts behind the Ethernet header, which user space gets back as zeros",
      P.PROG_TYPE_SOCKET_FILTER,
      50,
      "00000000000000000000000000000e0f",
    ],
  ])("%s", (_, type, length, out) => {
    const { address, packet } = runContext(kernel, type, 64);
    expect(machine.memory.load(address + BigInt(offsetOf(layout.structs, "sk_buff.len")), 4)).toBe(BigInt(length));
    expect(hex(packet?.()).slice(0, 32)).toBe(out);
    expect(packet?.()).toHaveLength(64);
  });

  test("XDP: data and data_end around the packet", () => {
    const { address } = runContext(kernel, P.PROG_TYPE_XDP, 20);
    const field = (name: string) =>
      machine.memory.load(address + BigInt(offsetOf(layout.structs, `xdp_buff.${name}`)), 8);
    expect(hex(machine.memory.read(field("data"), Number(field("data_end") - field("data"))))).toBe(hex(packetOf(20)));
  });
});

describe("what a run left in the maps", () => {
  const map = (name: string, type: number, valueSize: number, maxEntries: number) =>
    kernel.addMap({ name, type, keySize: 4, valueSize, maxEntries });

  test("array elements that are zero are left out; a run's initial values are padded with zeros", () => {
    map("array", P.MAP_TYPE_ARRAY, 12, 3);
    initialise(kernel, { prog: "p", data_len: 0, init: [{ map: "array", idx: 1, hex: "aabb" }] });
    expect(recordedMaps(kernel)).toEqual({ array: { 1: "aabb00000000000000000000" } });
    initialise(kernel, { prog: "p", data_len: 0, init: [{ map: "array", idx: 1, hex: "cc" }] });
    expect(recordedMaps(kernel)).toEqual({ array: { 1: "cc0000000000000000000000" } });
  });

  test("hash elements are all there, in decimal by their key; prog arrays are not", () => {
    const hash = map("hash", P.MAP_TYPE_HASH, 8, 4);
    map("jmp", P.MAP_TYPE_PROG_ARRAY, 4, 4);
    hash.update(Uint8Array.of(5, 1, 0, 0), new Uint8Array(8), 0n, 0);
    expect(recordedMaps(kernel)).toEqual({ hash: { 261: "0000000000000000" } });
  });

  test("a value over 512 bytes is its FNV-1a hash", () => {
    map("big", P.MAP_TYPE_ARRAY, 513, 1);
    map("small", P.MAP_TYPE_ARRAY, 512, 1);
    const init = ["big", "small"].map((name) => ({ map: name, idx: 0, hex: "61" }));
    initialise(kernel, { prog: "p", data_len: 0, init });
    const { big, small } = recordedMaps(kernel);
    expect(big[0]).toMatch(/^fnv1a64:[0-9a-f]{16}$/);
    expect(small[0]).toBe(`61${"00".repeat(511)}`);
  });

  test("differences name map and key, absent elements on either side too", () => {
    expect(mapDifferences({ m: { 0: "01", 2: "02" }, gone: { 7: "ff" } }, { m: { 0: "01", 1: "03" } })).toEqual([
      { path: "maps.m.2", expected: "02", actual: "(absent)" },
      { path: "maps.m.1", expected: "(absent)", actual: "03" },
      { path: "maps.gone.7", expected: "ff", actual: "(absent)" },
    ]);
    expect(mapDifferences({ empty: {} }, {})).toEqual([]);
  });

  test("an initial value of a map that is not there is said to be", () => {
    const run = { prog: "p", data_len: 0, init: [{ map: "none", idx: 0, hex: "" }] };
    expect(() => initialise(kernel, run)).toThrow("run initialises none, which is no map of the set");
  });
});
