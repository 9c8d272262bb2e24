import { describe, expect, test } from "vitest";
import { FlatMemory } from "../../../bpf/memory.ts";
import { PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { kernels } from "../../../bpf/verifier/index.ts";
import { SkBuff } from "../../../emulator/context/skb.ts";
import { CLASSIC_HELPERS } from "../../../emulator/helpers/classic.ts";

/** A packet in memory of its own: bytes as hex, blanks allowed. */
function packet(hex: string, fragment = ""): SkBuff {
  const memory = new FlatMemory();
  let next = 0x10000n;
  const take = (size: number | bigint): bigint => {
    const at = next;
    memory.map(at, Number(size));
    next += (BigInt(size) + 0xfffn) & ~0xfffn;
    return at;
  };
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
  const { structs } = kernels["linux-6.12"];
  const skb = new SkBuff({ memory, heap: { take }, layout: { structs } }, bytes(hex), PROG_TYPE_SCHED_CLS);
  if (fragment) skb.addFragment(bytes(fragment));
  return skb;
}

const call = (name: string, skb: SkBuff, ...args: number[]): bigint =>
  CLASSIC_HELPERS[name](skb, [skb.address, ...args.map(BigInt)]);

const FAULT = -14n;

describe("bpf_skb_load_helper: a big-endian number of the packet", () => {
  const skb = packet("00 11 22 33 44 55 66 77 88 99 aa bb 08 00 45 00", "f0 f1 f2");
  const load = (bits: number, offset: number) => call(`bpf_skb_load_helper_${bits}_no_cache`, skb, offset);

  test.each([
    [8, 3, 0x33n],
    [16, 3, 0x3344n],
    [32, 12, 0x08004500n],
    [32, 14, 0x4500f0f1n, "across the end of the linear part"],
    [16, 16, 0xf0f1n, "in the page"],
    [16, 18, FAULT, "one byte beyond"],
    [8, -0x100000, 0x45n, "SKF_NET_OFF: the network header, 14 bytes on"],
    [16, -0x200000 + 12, 0x0800n, "SKF_LL_OFF: the link layer's"],
    [8, -1, FAULT, "no header's offset"],
    [8, -0x200001, FAULT],
  ])("%i bits at %i: %i %s", (bits, offset, expected, _why?) => expect(load(bits, offset)).toBe(expected));

  test("the one with a cache takes the offset as its fourth argument", () =>
    expect(call("bpf_skb_load_helper_8", skb, 0, 0, 3)).toBe(0x33n));
});

describe("netlink attributes", () => {
  // at 2: length 4, type 2; at 6: length 4, type 3; at 10: length 12, type 1, in it length 4, type 2 and length 4, type 9
  const skb = packet("ff ff 0400 0200 0400 0300 0c00 0100 0400 0200 0400 0900");
  test.each([
    ["bpf_skb_get_nlattr", 2, 3, 6n],
    ["bpf_skb_get_nlattr", 2, 1, 10n],
    ["bpf_skb_get_nlattr", 2, 9, 0n, "not on this level"],
    ["bpf_skb_get_nlattr", 19, 3, 0n, "no room for a header"],
    ["bpf_skb_get_nlattr_nest", 10, 9, 18n],
    ["bpf_skb_get_nlattr_nest", 10, 3, 0n],
  ])("%s from %i, type %i: %i %s", (name, at, type, expected, _why?) =>
    expect(call(name, skb, at, type)).toBe(expected),
  );

  test("a length of 0 ends the search", () =>
    expect(call("bpf_skb_get_nlattr", packet("0000 0000 0400 0300"), 0, 3)).toBe(0n));
  test("packets with pages have none", () =>
    expect(call("bpf_skb_get_nlattr", packet("0400 0300", "00"), 0, 3)).toBe(0n));
});

describe("bpf_skb_get_pay_offset", () => {
  const ETH = "00".repeat(12);
  const ipv4 = (protocol: string, flags = "0000", ihl = 5) =>
    `4${ihl}00 0000 0000 ${flags} 40${protocol} 0000 ${"00".repeat(8 + 4 * (ihl - 5))}`;
  const ipv6 = (next: string) => `60000000 0000 ${next} 40 ${"00".repeat(32)}`;
  const rest = "00".repeat(40);
  const tcp = (words: number) => `${"00".repeat(12)}${words}0 ${rest}`;

  test.each([
    ["UDP", `${ETH} 0800 ${ipv4("11")} ${rest}`, 14 + 20 + 8],
    ["ICMP", `${ETH} 0800 ${ipv4("01")} ${rest}`, 14 + 20 + 8],
    ["SCTP", `${ETH} 0800 ${ipv4("84")} ${rest}`, 14 + 20 + 12],
    ["TCP with options", `${ETH} 0800 ${ipv4("06")} ${tcp(8)}`, 14 + 20 + 32],
    ["TCP whose length is nonsense", `${ETH} 0800 ${ipv4("06")} ${tcp(1)}`, 14 + 20 + 20],
    ["TCP cut before its length", `${ETH} 0800 ${ipv4("06")} 0000`, 14 + 20],
    ["an unknown protocol", `${ETH} 0800 ${ipv4("fd")} ${rest}`, 14 + 20],
    ["IP options", `${ETH} 0800 ${ipv4("11", "0000", 6)} ${rest}`, 14 + 24 + 8],
    ["a later fragment", `${ETH} 0800 ${ipv4("11", "0001")} ${rest}`, 14 + 20],
    ["IPv6", `${ETH} 86dd ${ipv6("11")} ${rest}`, 14 + 40 + 8],
    ["IPv6 behind options", `${ETH} 86dd ${ipv6("00")} 1101 ${"00".repeat(14)} ${rest}`, 14 + 40 + 16 + 8],
    ["an IPv6 fragment", `${ETH} 86dd ${ipv6("2c")} 11 ${rest}`, 14 + 40 + 8],
    ["IP in IP", `${ETH} 0800 ${ipv4("04")} ${ipv4("11")} ${rest}`, 14 + 20 + 20 + 8],
    ["a VLAN tag", `${ETH} 8100 0001 0800 ${ipv4("11")} ${rest}`, 14 + 4 + 20 + 8],
    ["ARP", `${ETH} 0806 ${rest}`, 0],
    ["an IP header cut short", `${ETH} 0800 4500`, 0],
    ["an IP header of four words", `${ETH} 0800 ${ipv4("11").replace("45", "44")} ${rest}`, 0],
  ])("%s", (_, bytes, expected) => expect(call("bpf_skb_get_pay_offset", packet(bytes))).toBe(BigInt(expected)));
});
