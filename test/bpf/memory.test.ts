import { expect, test } from "vitest";
import { FlatMemory, MemoryFault } from "../../bpf/memory.ts";

const KERNEL = 0xffff888000000000n;

test("numbers are little endian and unsigned, and what does not fit is cut off", () => {
  const memory = new FlatMemory();
  const bytes = memory.map(KERNEL, 16);
  memory.store(KERNEL, 8, -2n);
  expect(memory.load(KERNEL, 8)).toBe(0xfffffffffffffffen);
  memory.store(KERNEL + 8n, 2, 0x12345n);
  expect([...bytes.subarray(8, 11)]).toEqual([0x45, 0x23, 0]);
  expect(memory.load(KERNEL + 7n, 4)).toBe(0x002345ffn); // unaligned is fine
  expect([memory.load(KERNEL, 1), memory.load(KERNEL, 2), memory.load(KERNEL, 4)]).toEqual([
    0xfen,
    0xfffen,
    0xfffffffen,
  ]);
});

test("bytes that are mapped are shared, bytes that are read are not", () => {
  const memory = new FlatMemory();
  const bytes = memory.map(KERNEL, Uint8Array.of(1, 2, 3, 4));
  memory.write(KERNEL + 1n, Uint8Array.of(7));
  expect([...bytes]).toEqual([1, 7, 3, 4]);
  memory.read(KERNEL, 4).fill(0);
  expect(memory.load(KERNEL, 4)).toBe(0x04030701n);
  expect(memory.region(KERNEL + 3n)).toMatchObject({ start: KERNEL, bytes });
  expect(memory.region(KERNEL + 4n)).toBeUndefined();
});

test("an access that is not wholly in one region is a MemoryFault", () => {
  const memory = new FlatMemory();
  memory.map(0x1000n, 8);
  memory.map(0x1008n, 8);
  expect(() => memory.load(0x1004n, 8)).toThrow(MemoryFault);
  expect(() => memory.store(0x1010n, 1, 0n)).toThrow(
    expect.objectContaining({ address: 0x1010n, size: 1, access: "write" }),
  );
  expect(() => memory.read(0xfffn, 2)).toThrow("read of 2 bytes at 0xfff, where nothing is mapped");
  expect(memory.load(0x1000n + (1n << 64n), 8)).toBe(0n); // addresses have 64 bits
});

test("regions do not overlap and end with the address space", () => {
  const memory = new FlatMemory();
  memory.map(0x1000n, 16);
  expect(() => memory.map(0x100fn, 16)).toThrow(RangeError);
  expect(() => memory.map(0xff8n, 16)).toThrow(RangeError);
  expect(() => memory.map(0x1000n, 16)).toThrow(RangeError);
  expect(() => memory.map(0xfffffffffffffff8n, 9)).toThrow(RangeError);
  memory.map(0xfffffffffffffff8n, 8);
  memory.map(0xff0n, 16);
  memory.map(0x1010n, 16);
});
