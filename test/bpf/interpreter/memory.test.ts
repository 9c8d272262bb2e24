import { describe, expect, test } from "vitest";
import { FlatMemory, type Memory } from "../../../bpf/memory.ts";
import { CONTEXT, faultOf, r0, run } from "./machine.ts";

/** R0 after a text, with these eight bytes at R1, as hex. */
const hex = (text: string, bytes: number[]): string =>
  r0(`${text} | exit`, { context: Uint8Array.from(bytes) }).toString(16);
const EIGHT = [0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7];

describe("loads and stores", () => {
  test.each([
    ["r0 = *(u8 *)(r1 + 1)", "91"],
    ["r0 = *(u16 *)(r1 + 1)", "a291"],
    ["r0 = *(u32 *)(r1 + 4)", "f7e6d5c4"],
    ["r0 = *(u64 *)(r1 + 0)", "f7e6d5c4b3a29180"],
    ["r0 = *(s8 *)(r1 + 0)", "ffffffffffffff80"],
    ["r0 = *(s16 *)(r1 + 0)", "ffffffffffff9180"],
    ["r0 = *(s32 *)(r1 + 0)", "ffffffffb3a29180"],
    ["*(u8 *)(r1 + 0) = 0x1ff | r0 = *(u64 *)(r1 + 0)", "f7e6d5c4b3a291ff"],
    ["*(u16 *)(r1 + 6) = -2 | r0 = *(u64 *)(r1 + 0)", "fffed5c4b3a29180"],
    ["*(u64 *)(r1 + 0) = -2 | r0 = *(u64 *)(r1 + 0)", "fffffffffffffffe"],
    ["r2 = 0x1122334455667788 ll | *(u32 *)(r1 + 2) = r2 | r0 = *(u64 *)(r1 + 0)", "f7e6556677889180"],
    ["*(u64 *)(r10 - 8) = r10 | r0 = *(u64 *)(r10 - 8) | r0 -= r10", "0"],
    ["r1 += 100 | r0 = *(u8 *)(r1 - 100)", "80"],
  ])("%s -> %s", (text, result) => expect(hex(text, EIGHT)).toBe(result));

  test("an address is a 64-bit sum: it carries out of the lower half, and wraps", () => {
    const memory = new FlatMemory();
    memory.map(0x1_00000000n, Uint8Array.of(7));
    memory.map(0n, Uint8Array.of(9));
    expect(r0("r1 = 0xfffffff0 ll | r0 = *(u8 *)(r1 + 16) | exit", { memory })).toBe(7n);
    expect(r0("r1 = 0x100000010 ll | r0 = *(u8 *)(r1 - 16) | exit", { memory })).toBe(7n);
    expect(r0("r1 = -16 | r0 = *(u8 *)(r1 + 16) | exit", { memory })).toBe(9n);
  });

  test("a fault names the access and the slot", () => {
    expect(faultOf("r0 = 0 | r0 = *(u32 *)(r1 + 61) | exit")).toBe(
      "memory: read of 4 bytes at 0xffff88800000003d, where nothing is mapped @1",
    );
    expect(faultOf("*(u8 *)(r10 + 0) = 1 | exit")).toMatch(/^memory: write of 1 bytes at 0xffffc90000080000/);
  });

  test("memory that shows no regions sees every access", () => {
    const seen: string[] = [];
    const bytes = new FlatMemory();
    bytes.map(0x1000n, 64);
    const memory: Memory = {
      load: (address, size) => {
        seen.push(`load ${address.toString(16)} ${size}`);
        return bytes.load(address, size);
      },
      store: (address, size, value) => {
        seen.push(`store ${address.toString(16)} ${size} ${value}`);
        bytes.store(address, size, value);
      },
      read: (address, length) => bytes.read(address, length),
      write: (address, data) => bytes.write(address, data),
    };
    const text = "r1 = 0x1008 | *(u16 *)(r1 - 8) = -1 | r0 = *(s16 *)(r1 - 8) | *(u64 *)(r10 - 8) = r0 | exit";
    expect(r0(text, { memory, stackTop: 0x1040n })).toBe(0xffffffffffffffffn);
    expect(seen).toEqual(["store 1000 2 65535", "load 1000 2", "store 1038 8 18446744073709551615"]);
  });
});

describe("atomics", () => {
  /** R0 and the word at R1 after `r0 = 5; r2 = 3; <instruction>` on a word that was 0xffffffff00000005. */
  const atomic = (instruction: string): string[] => {
    const context = Uint8Array.from([5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    const text = `r0 = 5 | r2 = 0x100000003 ll | ${instruction} | r3 = *(u64 *)(r1 + 0) | exit`;
    const fetched = r0(
      text.replace("r3 =", instruction.startsWith("r2") || instruction.startsWith("w2") ? "r0 = r2 | r3 =" : "r3 ="),
      {
        context,
      },
    );
    return [fetched, new DataView(context.buffer).getBigUint64(0, true)].map((value) => value.toString(16));
  };

  test.each([
    // what R0 (or R2, where that is fetched into) holds, and the word
    ["lock *(u64 *)(r1 + 0) += r2", "5", "8"],
    ["lock *(u32 *)(r1 + 0) += w2", "5", "ffffffff00000008"],
    ["lock *(u64 *)(r1 + 0) |= r2", "5", "ffffffff00000007"],
    ["lock *(u64 *)(r1 + 0) &= r2", "5", "100000001"],
    ["lock *(u32 *)(r1 + 4) ^= w2", "5", "fffffffc00000005"],
    ["r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", "ffffffff00000005", "8"],
    ["w2 = atomic_fetch_or((u32 *)(r1 + 4), w2)", "ffffffff", "ffffffff00000005"], // fetched words are zero-extended
    ["r2 = atomic_fetch_and((u64 *)(r1 + 0), r2)", "ffffffff00000005", "100000001"],
    ["w2 = atomic_fetch_xor((u32 *)(r1 + 0), w2)", "5", "ffffffff00000006"],
    ["r2 = xchg_64(r1 + 0, r2)", "ffffffff00000005", "100000003"],
    ["w2 = xchg32_32(r1 + 0, w2)", "5", "ffffffff00000003"],
    ["r0 = cmpxchg_64(r1 + 0, r0, r2)", "ffffffff00000005", "ffffffff00000005"], // 5 is not the whole word
    ["w0 = cmpxchg32_32(r1 + 0, w0, w2)", "5", "ffffffff00000003"],
    ["w0 = cmpxchg32_32(r1 + 4, w0, w2)", "ffffffff", "ffffffff00000005"],
    ["r0 = load_acquire((u64 *)(r1 + 0))", "ffffffff00000005", "ffffffff00000005"],
    ["w0 = load_acquire((u8 *)(r1 + 4))", "ff", "ffffffff00000005"],
    ["store_release((u16 *)(r1 + 6), w2)", "5", "3ffff00000005"],
  ])("%s -> %s, %s", (instruction, register, word) => expect(atomic(instruction)).toEqual([register, word]));
});

describe("packets: LD_ABS and LD_IND", () => {
  const packet = [0x11, 0x22, 0x33, 0x44, 0x55];
  const loadPacket = (context: bigint, offset: number, size: number): number | undefined => {
    expect(context).toBe(CONTEXT);
    if (offset < 0 || offset + size > packet.length) return undefined;
    return packet.slice(offset, offset + size).reduce((value, byte) => value * 256 + byte, 0);
  };

  test.each([
    ["r0 = *(u8 *)skb[4]", 0x55n],
    ["r0 = *(u16 *)skb[1]", 0x2233n], // big endian
    ["r0 = *(u32 *)skb[0]", 0x11223344n],
    ["r7 = 2 | r0 = *(u16 *)skb[r7]", 0x3344n],
    ["r7 = 5 | r0 = *(u8 *)skb[r7 - 2]", 0x44n],
  ])("%s", (text, result) => expect(r0(`r6 = r1 | ${text} | exit`, { loadPacket })).toBe(result));

  test("a load outside of the packet leaves the function with R0 0", () => {
    expect(r0("r6 = r1 | r0 = 7 | r0 = *(u16 *)skb[4] | r0 = 9 | exit", { loadPacket })).toBe(0n);
    expect(r0("r6 = r1 | call f | r0 += 1 | exit | f: r0 = *(u8 *)skb[-1] | r0 = 9 | exit", { loadPacket })).toBe(1n);
  });
});

test("LD_IMM64 is one instruction", () => {
  expect(run("r0 = 0x1122334455667788 ll | exit")).toMatchObject({ r0: 0x1122334455667788n, instructions: 2 });
});
