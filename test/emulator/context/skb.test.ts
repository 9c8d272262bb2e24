import { describe, expect, test } from "vitest";
import { PROG_TYPE_SCHED_CLS, PROG_TYPE_SOCKET_FILTER } from "../../../bpf/program.ts";
import { SKB } from "../../../bpf/verifier/uapi.ts";
import { SkBuff } from "../../../emulator/context/skb.ts";
import { RDI } from "../../../emulator/engine.ts";
import { SKB_FIELDS } from "../../../src/scenario/names.ts";
import { loadBpf } from "../bpf.ts";
import { eachKernel, type KernelName, newKernel, rax } from "../guest.ts";

const PACKET = Uint8Array.from({ length: 60 }, (_, i) => i);

/** What a program on that kernel reads of a packet whose `set` has been called. */
function read(
  name: KernelName,
  text: string,
  { type = PROG_TYPE_SCHED_CLS, packet = PACKET, set = (_: SkBuff) => {} } = {},
) {
  const kernel = newKernel(name);
  const skb = new SkBuff(kernel.machine, packet, type);
  set(skb);
  kernel.skb = skb;
  const program = loadBpf(kernel, name, `${text}\nexit`, { type });
  return { value: rax(kernel.machine, program, { [RDI]: skb.address }), skb, kernel };
}

const field = (name: keyof typeof SKB, size = 32) => `r0 = *(u${size} *)(r1 + ${SKB[name]})`;

/** Fields that are not 32 bits wide in the kernel. */
const BITS: Partial<Record<(typeof SKB_FIELDS)[number], number>> = {
  pkt_type: 3,
  vlan_present: 1,
  queue_mapping: 16,
  protocol: 16,
  tc_index: 16,
  tc_classid: 16,
  vlan_tci: 16,
  vlan_proto: 16,
  gso_segs: 16,
  gso_size: 16,
  tstamp: 64,
  hwtstamp: 64,
};
/** Every half and every byte of it is different. */
const SET = 0x8f8f_3a5a_8f1d_c3b7n;

eachKernel("struct __sk_buff on %s", (name) => {
  test.each(SKB_FIELDS.filter((one) => one !== "vlan_present"))("%s is what was set", (one) => {
    const bits = BITS[one] ?? 32;
    const { value } = read(name, field(one, bits === 64 ? 64 : 32), { set: (skb) => skb.setContext(one, SET) });
    expect(value).toBe(BigInt.asUintN(bits, SET));
  });

  test("len, data and data_end are the packet's", () => {
    const first = `r2 = *(u32 *)(r1 + ${SKB.data})
      r3 = *(u32 *)(r1 + ${SKB.data_end})
      r4 = r2
      r4 += 60
      r0 = -1
      if r4 > r3 goto out
      r0 = *(u8 *)(r2 + 59)
      r3 -= r4
      r0 += r3
    out:`;
    expect(read(name, first).value).toBe(59n);
    expect(read(name, first, { packet: PACKET.subarray(1) }).value).toBe(0xffffffffffffffffn);
    expect(read(name, field("len")).value).toBe(60n);
  });

  test("what a program stores into the packet and into mark, priority and cb is there afterwards", () => {
    const { skb, value } = read(
      name,
      `r2 = 7
       *(u32 *)(r1 + ${SKB.mark}) = r2
       *(u32 *)(r1 + ${SKB.cb + 16}) = r2
       r2 = 9
       *(u32 *)(r1 + ${SKB.priority}) = r2
       r0 = *(u32 *)(r1 + ${SKB.cb + 16})
       r2 = *(u32 *)(r1 + ${SKB.data})
       r3 = *(u32 *)(r1 + ${SKB.data_end})
       r4 = r2
       r4 += 8
       if r4 > r3 goto out
       *(u64 *)(r2 + 0) = r0
      out:`,
    );
    expect([value, skb.get("mark"), skb.get("priority")]).toEqual([7n, 7n, 9n]);
    expect([...skb.packet().subarray(0, 9)]).toEqual([7, 0, 0, 0, 0, 0, 0, 0, 8]);
  });

  test("as a test run builds it: from the loopback device, for another host, its length on the wire", () => {
    expect(read(name, field("ifindex")).value).toBe(1n);
    expect(read(name, field("pkt_type")).value).toBe(3n);
    expect(read(name, field("wire_len")).value).toBe(60n);
  });

  test("a VLAN tag is there when it is set", () => {
    const present = (set?: (skb: SkBuff) => void) => read(name, field("vlan_present"), { set }).value;
    expect(present()).toBe(0n);
    expect(present((skb) => skb.setContext("vlan_present", 1n))).toBe(1n);
    const taken = (skb: SkBuff) => {
      skb.setContext("vlan_tci", 5n);
      skb.setContext("vlan_present", 1n);
      skb.setContext("vlan_present", 0n);
    };
    expect(present(taken)).toBe(0n);
  });

  test("a classifier sees the Ethernet header, a socket filter what is behind it", () => {
    const program = `r6 = r1\nr0 = *(u8 *)skb[0]`;
    expect(read(name, program).value).toBe(0n);
    expect(read(name, program, { type: PROG_TYPE_SOCKET_FILTER }).value).toBe(14n);
    expect(read(name, field("len"), { type: PROG_TYPE_SOCKET_FILTER }).value).toBe(46n);
  });
});

describe("eth_type_trans", () => {
  test.each<[what: string, type: number[], protocol: bigint]>([
    ["IPv4, as it is in memory", [0x08, 0x00], 0x0008n],
    ["an EtherType in both bytes", [0x88, 0xa8], 0xa888n],
    ["the smallest EtherType", [0x06, 0x00], 0x0006n],
    ["a length is ETH_P_802_2", [0x05, 0xff], 0x0400n],
  ])("%s", (_, type, protocol) => {
    const packet = Uint8Array.from([...new Array(12).fill(0), ...type, ...new Array(46).fill(0)]);
    expect(new SkBuff(newKernel().machine, packet, PROG_TYPE_SCHED_CLS).get("protocol")).toBe(protocol);
  });

  test("a packet shorter than an Ethernet header has no protocol and, behind it, no data", () => {
    const skb = new SkBuff(newKernel().machine, Uint8Array.of(1, 2, 3), PROG_TYPE_SOCKET_FILTER);
    expect([skb.get("protocol"), skb.length, skb.packet().length]).toEqual([0n, 0, 0]);
  });
});

describe("fields by their kernel names", () => {
  test("a bit field leaves its neighbours alone", () => {
    const { machine } = newKernel("linux-6.1");
    const skb = new SkBuff(machine, PACKET, PROG_TYPE_SCHED_CLS);
    const byte = skb.address + 1040n / 8n;
    machine.memory.store(byte, 1, 0xffn);
    skb.set("vlan_present", 0n);
    expect(machine.memory.load(byte, 1)).toBe(0xfen);
    expect([skb.get("vlan_present"), skb.get("mono_delivery_time")]).toEqual([0n, 1n]);
  });

  test("one that isn't is a RangeError", () => {
    const skb = new SkBuff(newKernel().machine, PACKET, PROG_TYPE_SCHED_CLS);
    expect(() => skb.set("colour", 1n)).toThrow(new RangeError("sk_buff has no field colour"));
    expect(() => skb.setContext("colour", 1n)).toThrow(RangeError);
  });
});
