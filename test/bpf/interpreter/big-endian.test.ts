import { describe, expect, test } from "vitest";
import type { Memory } from "../../../bpf/memory.ts";
import { FlatMemory } from "../../../bpf/memory.ts";
import { CONTEXT, r0 } from "./machine.ts";

const EIGHT = [0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7];

/** R0 after a text on a big-endian machine, with EIGHT at R1, as hex. */
const hex = (text: string, memory?: Memory): string =>
  r0(`${text} | exit`, {
    context: Uint8Array.from(EIGHT),
    byteOrder: "big",
    ...(memory ? { memory, stackTop: CONTEXT } : {}),
  }).toString(16);

describe("a big-endian machine", () => {
  test.each([
    ["r0 = *(u8 *)(r1 + 1)", "91"],
    ["r0 = *(u16 *)(r1 + 1)", "91a2"],
    ["r0 = *(u32 *)(r1 + 4)", "c4d5e6f7"],
    ["r0 = *(u64 *)(r1 + 0)", "8091a2b3c4d5e6f7"],
    ["r0 = *(s16 *)(r1 + 0)", "ffffffffffff8091"],
    ["*(u16 *)(r1 + 6) = 0x1122 | r0 = *(u64 *)(r1 + 0)", "8091a2b3c4d51122"],
    ["r2 = 1 | lock *(u64 *)(r1 + 0) += r2 | r0 = *(u64 *)(r1 + 0)", "8091a2b3c4d5e6f8"],
    ["r2 = 1 | lock *(u32 *)(r1 + 0) += r2 | r0 = *(u64 *)(r1 + 0)", "8091a2b4c4d5e6f7"],
  ])("%s -> %s: the first byte is the highest", (text, result) => expect(hex(text)).toBe(result));

  test.each([
    ["r0 = be16 r0", "7788"],
    ["r0 = le16 r0", "8877"],
    ["r0 = be32 r0", "55667788"],
    ["r0 = le64 r0", "8877665544332211"],
    ["r0 = bswap32 r0", "88776655"],
  ])("%s -> %s: be leaves a number as it is, le swaps, bswap does so everywhere", (text, result) =>
    expect(hex(`r0 = 0x1122334455667788 ll | ${text}`)).toBe(result),
  );

  test("memory that is asked for every access is, too", () => {
    const flat = new FlatMemory();
    flat.map(CONTEXT, Uint8Array.from(EIGHT));
    const memory: Memory = {
      load: (address, size) => flat.load(address, size),
      store: (address, size, value) => flat.store(address, size, value),
      read: (address, length) => flat.read(address, length),
      write: (address, bytes) => flat.write(address, bytes),
    };
    expect(hex("r0 = *(u32 *)(r1 + 0)", memory)).toBe("8091a2b3");
    expect(hex("r2 = 0x1122 | *(u16 *)(r1 + 6) = r2 | r0 = *(u64 *)(r1 + 0)", memory)).toBe("8091a2b3c4d51122");
  });
});
