import { describe, expect, test } from "vitest";
import type { Kernel } from "../../../emulator/kernel.ts";
import { newKernel } from "../guest.ts";
import { bytesAt, call, faultOf } from "./call.ts";

const EINVAL = -22n;

/** bpf_csum_diff of two byte strings. */
function diff(kernel: Kernel, from: string, to: string, seed = 0n): bigint {
  const [a, b] = [from, to].map((hex) => Buffer.from(hex, "hex"));
  const at = (bytes: Buffer) => (bytes.length ? bytesAt(kernel, bytes) : 0n);
  return call(kernel, "bpf_csum_diff", at(a), BigInt(a.length), at(b), BigInt(b.length), seed);
}

/** Ones' complement sum of 16-bit words, as the RFC says: what any result must fold to. */
function folded(...words: number[]): bigint {
  let sum = words.reduce((total, word) => total + word, 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return BigInt(sum);
}

const fold = (sum: bigint): bigint => folded(Number(sum & 0xffffn), Number(sum >> 16n));

describe.each(["linux-6.12", "linux-6.18"] as const)("bpf_csum_diff of %s", (name) => {
  test.each<[what: string, from: string, to: string, seed: bigint, words: number[]]>([
    ["bytes that are added", "", "0102030405060708", 0n, [0x0201, 0x0403, 0x0605, 0x0807]],
    ["to a checksum", "", "01020304", 0x12345n, [0x2345, 1, 0x0201, 0x0403]],
    ["bytes that are taken away", "01020304", "", 0n, [0xffff - 0x0201, 0xffff - 0x0403]],
    ["both", "01020304", "ffff0000", 7n, [7, 0xffff - 0x0201, 0xffff - 0x0403, 0xffff, 0]],
    ["carries", "", "ffffffffffffffffffffffff", 0xffffffffn, [0xffff, 0xffff, 0xffff, 0xffff]],
  ])("%s", (_, from, to, seed, words) => {
    expect(fold(diff(newKernel(name), from, to, seed))).toBe(folded(...words));
  });

  test("lengths must be multiples of four", () => {
    const kernel = newKernel(name);
    expect([diff(kernel, "010203", ""), diff(kernel, "", "0102030405")]).toEqual([EINVAL, EINVAL]);
  });

  test("nothing at all is the seed", () => {
    expect(diff(newKernel(name), "", "", 0x1234n)).toBe(0x1234n);
  });

  test("a buffer that isn't there faults", () => {
    expect(faultOf(newKernel(name), "bpf_csum_diff", 0n, 4n, 0n, 0n, 0n)).toMatch(/^it reads 4 bytes at 0x0/);
  });

  test("is always -ENOTSUPP for bpf_csum_update: the packet has no complete checksum", () => {
    expect(call(newKernel(name), "bpf_csum_update", 0n, 1n)).toBe(-524n);
  });
});

test("32 bits wide up to 6.12, 16 since 6.13", () => {
  const [from, to] = ["", "ffffffff01000000"];
  expect(diff(newKernel("linux-6.12"), from, to)).toBe(0x1n);
  expect(diff(newKernel("linux-6.18"), from, to)).toBe(0x1n);
  expect(diff(newKernel("linux-6.12"), "", "00000100")).toBe(0x10000n);
  expect(diff(newKernel("linux-6.18"), "", "00000100")).toBe(0x1n);
});

test("at most 512 bytes up to 6.12, any number since 6.13", () => {
  const bytes = "00".repeat(512);
  expect([diff(newKernel("linux-6.12"), bytes, ""), diff(newKernel("linux-6.12"), bytes, "01000000")]).toEqual([
    0xffffffffn,
    EINVAL,
  ]);
  expect(diff(newKernel("linux-6.18"), bytes, "01000000")).toBe(1n);
});
