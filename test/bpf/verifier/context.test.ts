import { expect, test } from "vitest";
import * as P from "../../../bpf/program.ts";
import { linux6_1, linux6_12 } from "../../../bpf/verifier/index.ts";
import { lines, type Setting, xlate, xlatedText } from "./xlate.ts";

/** One load or store of the context, as the JIT gets it. */
const access = (insn: string, setting?: Setting) => xlatedText(`r0 = 0\n ${insn}\n exit`, setting).slice(2, -1);

test.each([
  ["len", "r2 = *(u32 *)(r1 + 0)", "r2 = *(u32 *)(r1 + 112)"],
  ["protocol is 16 bits", "r2 = *(u32 *)(r1 + 16)", "r2 = *(u16 *)(r1 + 180)"],
  ["mark", "*(u32 *)(r1 + 8) = r0", "*(u32 *)(r1 + 168) = r0"],
  ["tc_index is stored as 16 bits", "*(u32 *)(r1 + 44) = 7", "*(u16 *)(r1 + 134) = 7"],
  ["pkt_type is three bits", "r2 = *(u32 *)(r1 + 4)", "r2 = *(u8 *)(r1 + 128)\n w2 &= 7"],
  ["cb lies behind qdisc_skb_cb", "r2 = *(u32 *)(r1 + 52)", "r2 = *(u32 *)(r1 + 52)"],
  ["ifindex is the device's", "r2 = *(u32 *)(r1 + 40)", "r2 = *(u64 *)(r1 + 16)\n r2 = *(u32 *)(r2 + 224)"],
  ["data", "r2 = *(u32 *)(r1 + 76)", "r2 = *(u64 *)(r1 + 208)"],
])("__sk_buff: %s", (_, insn, expected) => {
  expect(access(insn)).toEqual(lines(expected));
});

test("a narrow load loads the field and cuts it", () => {
  expect(access("r2 = *(u8 *)(r1 + 10)")).toEqual(["r2 = *(u32 *)(r1 + 168)", "w2 >>= 16", "w2 &= 255"]);
  // the kernel's field is no wider than that
  expect(access("r2 = *(u16 *)(r1 + 16)")).toEqual(["r2 = *(u16 *)(r1 + 180)"]);
});

test("vlan_present was a bit before 6.2", () => {
  const insn = "r2 = *(u32 *)(r1 + 20)";
  expect(access(insn)).toEqual(["r2 = *(u32 *)(r1 + 156)", "if r2 == 0 goto L1", "w2 = 1", "L1:"]);
  expect(access(insn, { kernel: linux6_1 })[0]).toMatch(/^r2 = \*\(u8 \*\)/);
});

test("a queue number that stands for none is not stored", () => {
  expect(access("*(u32 *)(r1 + 12) = r0")).toEqual(["if r0 >= 65535 goto L1", "*(u16 *)(r1 + 124) = r0", "L1:"]);
  expect(access("*(u32 *)(r1 + 12) = 65535")).toEqual(["goto L1", "L1:"]);
});

test("on ingress a delivery time reads as 0", () => {
  expect(access("r2 = *(u64 *)(r1 + 152)")).toEqual(
    lines(`
      r11 = *(u8 *)(r1 + 129)
      if w11 & 4 goto L1
      goto L3
    L1:
      if w11 & 3 goto L2
      goto L3
    L2:
      r2 = 0
      goto L4
    L3:
      r2 = *(u64 *)(r1 + 32)
    L4:`),
  );
});

test("xdp_md: pointers, and the receive queue behind them", () => {
  const xdp = { type: P.PROG_TYPE_XDP };
  expect(access("r2 = *(u32 *)(r1 + 4)", xdp)).toEqual(["r2 = *(u64 *)(r1 + 8)"]);
  expect(access("r2 = *(u32 *)(r1 + 12)", xdp)).toEqual(
    lines("r2 = *(u64 *)(r1 + 32)\n r2 = *(u64 *)(r2 + 0)\n r2 = *(u32 *)(r2 + 224)"),
  );
});

test("a raw tracepoint's arguments are read in place", () => {
  expect(access("r2 = *(u64 *)(r1 + 88)", { type: P.PROG_TYPE_RAW_TRACEPOINT })).toEqual(["r2 = *(u64 *)(r1 + 88)"]);
});

const WRITES_PACKET = `
      r2 = *(u32 *)(r1 + 76)
      r3 = *(u32 *)(r1 + 80)
      r4 = r2
      r4 += 14
      r0 = 0
      if r4 > r3 goto out
      *(u8 *)(r2 + 13) = 1
    out:
      exit`;

test("a classifier that writes to the packet first makes the buffer its own", () => {
  expect(xlatedText(WRITES_PACKET).slice(1, 13)).toEqual(
    lines(`
      r6 = *(u8 *)(r1 + 126)
      w6 &= 1
      if r6 == 0 goto L2
      r6 = r1
      r2 ^= r2
      call bpf_skb_pull_data
      if r0 == 0 goto L1
      w0 = 2
      exit
    L1:
      r1 = r6
    L2:`),
  );
});

test("packet bytes beyond what was compared with the end are out of reach", () => {
  expect(() => xlate(WRITES_PACKET.replace("r2 + 13", "r2 + 14"))).toThrow("invalid access to packet, off=14 size=1");
});

test.each([
  [
    "a field of another program type",
    "r2 = *(u32 *)(r1 + 76)",
    { type: P.PROG_TYPE_SOCKET_FILTER },
    "invalid bpf_context access off=76 size=4",
  ],
  ["a field that is read only", "*(u32 *)(r1 + 0) = r0", {}, "invalid bpf_context access off=0 size=4"],
  ["a load that straddles fields", "r2 = *(u32 *)(r1 + 6)", {}, "invalid bpf_context access off=6 size=4"],
  [
    "a store of a constant before 6.3",
    "*(u32 *)(r1 + 8) = 1",
    { kernel: linux6_1 },
    "BPF_ST stores into R1 ctx is not allowed",
  ],
  [
    "an atomic on the context",
    "lock *(u32 *)(r1 + 8) += w0",
    { kernel: linux6_12 },
    "BPF_ATOMIC stores into R1 ctx is not allowed",
  ],
])("%s is turned down", (_, insn, setting, message) => {
  expect(() => xlate(`r0 = 0\n ${insn}\n exit`, setting)).toThrow(expect.objectContaining({ slot: 1, message }));
});
