import { describe, expect, test } from "vitest";
import { assembleClassic } from "../../../bpf/classic/asm/assemble.ts";
import { convertClassic } from "../../../bpf/classic/convert.ts";
import { encodeInsns } from "../../../bpf/insn.ts";
import { kernels } from "../../../bpf/verifier/index.ts";
import { converted, LOADING, lines, PLAIN } from "./golden.ts";

const program = (text: string) =>
  convertClassic(assembleClassic(text.replaceAll(/\s\|\s/g, "\n")).insns, kernels["linux-6.12"]);
/** One slot of what comes out, as hex. */
const kernelBytes = (text: string, slot: number): string =>
  Buffer.from(encodeInsns([program(text).insns[slot]])).toString("hex");

describe("the beginning", () => {
  test("A and X are 0, the context goes to R6; without packet loads that is all", () => {
    expect(converted("ret #7")).toEqual(
      lines(`
      w0 ^= w0              ; A = 0, a filter may read it at once
      w7 ^= w7              ; X = 0
      r6 = r1               ; the context, where calls leave it
      w0 = 7
      exit
    `),
    );
  });

  test("with packet loads, what they look at is fetched once", () => {
    expect(converted("ldb [x] | ret a").slice(0, 7)).toEqual(
      lines(`
      w0 ^= w0
      w7 ^= w7
      r6 = r1
      r8 = *(u64 *)(r6 + 208)   ; skb->data
      r9 = *(u32 *)(r6 + 112)   ; skb->len
      r2 = *(u32 *)(r6 + 116)   ; skb->data_len
      w9 -= w2                  ; headlen: what of the packet is linear
    `),
    );
  });
});

describe("packet loads", () => {
  const loaded = (text: string, kernel?: string) => {
    const all = converted(`${text} | ret a`, kernel);
    expect(all.slice(0, LOADING.length)).toEqual(LOADING);
    return all.slice(LOADING.length, -1);
  };

  test("at an offset: from the linear part in place, all else by call", () => {
    expect(loaded("ldh [12]")).toEqual(
      lines(`
      r2 = r9
      r2 -= 12
      if r2 s< 2 goto L1                  ; fewer than 2 bytes from there on
      r0 = *(u16 *)(r8 + 12)
      r0 = be16 r0                        ; packets are big-endian
      goto L2
      L1:
      r1 = r6
      r2 = r8
      r3 = r9
      r4 = 12
      call bpf_skb_load_helper_16
      if r0 s>= 0 goto L2
      w0 ^= w0                            ; no such bytes: the filter returns 0
      exit
      L2:
    `),
    );
  });

  test("at offset 0 there is nothing to subtract, and one byte has no order", () => {
    expect(loaded("ldb [0]").slice(0, 4)).toEqual(
      lines(`
      r2 = r9
      if r2 s< 1 goto L1
      r0 = *(u8 *)(r8 + 0)
      goto L2
    `),
    );
  });

  test("an offset beyond 16 bits is added up", () => {
    expect(loaded("ldb [0x8000]").slice(0, 7)).toEqual(
      lines(`
      r2 = r9
      r2 -= 32768
      if r2 s< 1 goto L1
      r2 = r8
      r2 += 32768
      r0 = *(u8 *)(r2 + 0)
      goto L2
    `),
    );
  });

  test.each([
    ["ld [x + 4]", ["r4 = r7", "r4 += 4", "call bpf_skb_load_helper_32"], "relative to X"],
    ["ld [x]", ["r4 = r7", "call bpf_skb_load_helper_32"], "nothing to add"],
    ["ld [-1048572]", ["r4 = -1048572", "call bpf_skb_load_helper_32"], "from the network header (SKF_NET_OFF + 4)"],
    ["ldb [-2097152]", ["r4 = -2097152", "call bpf_skb_load_helper_8"], "from the link layer's (SKF_LL_OFF)"],
  ])("%s is a call: %s (%s)", (text, where) => {
    const end = ["if r0 s>= 0 goto L1", "w0 ^= w0", "exit", "L1:"];
    expect(loaded(text)).toEqual(["r1 = r6", "r2 = r8", "r3 = r9", ...where, ...end]);
  });

  test("a header's length goes by way of A, which X keeps meanwhile", () => {
    const all = loaded("ldxb 4*([14]&0xf)");
    expect(all[0]).toBe("r7 = r0");
    expect(all.slice(-6)).toEqual(
      lines(`
      L2:
      w0 &= 15
      w0 <<= 2
      r2 = r7        ; what A was
      r7 = r0        ; X = the length
      r0 = r2
    `),
    );
  });
});

describe("ancillary data", () => {
  test.each([
    ["proto", "linux-6.12", ["r0 = *(u16 *)(r6 + 180)", "r0 = be16 r0"]],
    ["type", "linux-6.12", ["r0 = *(u8 *)(r6 + 128)", "w0 &= 7"]],
    ["mark", "linux-6.12", ["r0 = *(u32 *)(r6 + 168)"]],
    ["queue", "linux-6.12", ["r0 = *(u16 *)(r6 + 124)"]],
    ["rxhash", "linux-6.1", ["r0 = *(u32 *)(r6 + 148)"]],
    ["rxhash", "linux-6.12", ["r0 = *(u32 *)(r6 + 152)"]],
    ["vlan_tci", "linux-6.1", ["r0 = *(u16 *)(r6 + 154)"]],
    ["vlan_tpid", "linux-7.2", ["r0 = *(u16 *)(r6 + 156)", "r0 = be16 r0"]],
  ])("%s on %s: a field of struct sk_buff", (name, kernel, expected) =>
    expect(converted(`ld ${name} | ret a`, kernel)).toEqual([...PLAIN, ...expected, "exit"]),
  );

  test("whether there is a VLAN tag: a bit of its own before 6.2, then vlan_all is not 0", () => {
    expect(converted("ld vlan_avail | ret a", "linux-6.1").slice(3)).toEqual([
      "r0 = *(u8 *)(r6 + 130)",
      "w0 &= 1",
      "exit",
    ]);
    expect(converted("ld vlan_avail | ret a", "linux-6.12").slice(3)).toEqual([
      "r0 = *(u32 *)(r6 + 156)",
      "if r0 == 0 goto L1",
      "w0 = 1",
      "L1:",
      "exit",
    ]);
  });

  test.each([
    ["ifidx", "linux-6.1", "r0 = *(u32 *)(r2 + 216)"],
    ["ifidx", "linux-7.2", "r0 = *(u32 *)(r2 + 224)"],
    ["hatype", "linux-6.1", "r0 = *(u16 *)(r2 + 296)"],
    ["hatype", "linux-6.12", "r0 = *(u16 *)(r2 + 560)"],
    ["hatype", "linux-7.2", "r0 = *(u16 *)(r2 + 544)"],
  ])("%s on %s: of the device, and a packet without one ends the filter", (name, kernel, load) =>
    expect(converted(`ld ${name} | ret a`, kernel).slice(3)).toEqual([
      "r2 = *(u64 *)(r6 + 16)",
      "if r2 != 0 goto L1",
      "exit",
      "L1:",
      load,
      "exit",
    ]),
  );

  test.each([
    ["cpu", "bpf_get_raw_cpu_id"],
    ["rand", "bpf_user_rnd_u32"],
    ["nla", "bpf_skb_get_nlattr"],
    ["nlan", "bpf_skb_get_nlattr_nest"],
    ["poff", "bpf_skb_get_pay_offset"],
  ])("%s asks %s, with A and X for arguments", (name, callee) =>
    expect(converted(`ld ${name} | ret a`).slice(3)).toEqual([
      "r1 = r6",
      "r2 = r0",
      "r3 = r7",
      `call ${callee}`,
      "exit",
    ]),
  );

  test("A ^= X has no mnemonic, but an offset: SKF_AD_OFF + SKF_AD_ALU_XOR_X", () =>
    expect(converted("ld [-4056] | ret a").slice(3)).toEqual(["w0 ^= w7", "exit"]));

  test("data that is no packet load fetches nothing of the packet", () =>
    expect(converted("ld mark | ret a").slice(0, 4)).toEqual([...PLAIN, "r0 = *(u32 *)(r6 + 168)"]));
});

describe("jumps", () => {
  const jumps = (text: string) => converted(`${text} | a: ret #1 | b: ret #2`).slice(3);
  const ends = ["w0 = 1", "exit", "L1:", "w0 = 2", "exit"];

  test("the way on is the next instruction: one jump", () =>
    expect(jumps("jeq #5, b, a")).toEqual(["if r0 == 5 goto L1", ...ends]));

  test.each([
    ["jeq", "!="],
    ["jgt", "<="],
    ["jge", "<"],
  ])("%s whose true way is the next instruction is turned into %s", (op, opposite) =>
    expect(jumps(`${op} #5, a, b`)).toEqual([`if r0 ${opposite} 5 goto L1`, ...ends]),
  );

  test("jset has no opposite: it takes a goto more", () =>
    expect(jumps("jset #5, a, b")).toEqual([
      "if r0 & 5 goto L1",
      "goto L2",
      "L1:",
      "w0 = 1",
      "exit",
      "L2:",
      "w0 = 2",
      "exit",
    ]));

  test("two ways that both lead elsewhere take two jumps", () =>
    expect(jumps("jgt x, a, b | ret #0")).toEqual([
      "if r0 > r7 goto L1",
      "goto L2",
      "w0 = 0",
      "exit",
      "L1:",
      "w0 = 1",
      "exit",
      "L2:",
      "w0 = 2",
      "exit",
    ]));

  test("a constant with its top bit set is loaded, as immediates are sign-extended to 64 bits", () =>
    expect(jumps("jgt #0x80000000, b, a")).toEqual(["w2 = -2147483648", "if r0 > r2 goto L1", ...ends]));

  test("ja", () => expect(jumps("ja b")).toEqual(["goto L1", ...ends]));
});

describe("arithmetic and memory", () => {
  test("a divisor in X is cut to 32 bits and compared: division by 0 ends the filter with 0", () => {
    expect(converted("ldx #3 | mod x | ret a").slice(3)).toEqual(
      lines(`
      w7 = 3
      w7 = w7
      if r7 != 0 goto L1
      w0 ^= w0
      exit
      L1:
      w0 %= w7
      exit
    `),
    );
  });

  test("operations name X as their source whatever it is: the JIT saves its register", () => {
    const add = kernelBytes("add #1 | ret a", 3);
    expect(add).toBe("0470000001000000"); // 04: ALU ADD K; 70: src r7, dst r0
  });

  test("M[k] lies 4 (k + 1) bytes below R10; the stack is as deep as what is stored", () => {
    expect(converted("st M[0] | ldx #1 | stx M[15] | ldx M[0] | ld M[15] | ret a").slice(3)).toEqual([
      "*(u32 *)(r10 - 4) = r0",
      "w7 = 1",
      "*(u32 *)(r10 - 64) = r7",
      "r7 = *(u32 *)(r10 - 4)",
      "r0 = *(u32 *)(r10 - 64)",
      "exit",
    ]);
    expect(program("st M[3] | ret #0").functions[0].stackDepth).toBe(16);
    expect(program("ret #0").functions[0].stackDepth).toBe(0);
  });

  test.each([
    ["tax", "r7 = r0"],
    ["txa", "r0 = r7"],
    ["ldx len", "r7 = *(u32 *)(r6 + 112)"],
    ["ld #-1", "w0 = -1"],
    ["or x", "w0 |= w7"],
  ])("%s -> %s", (text, expected) => expect(converted(`${text} | ret a`).slice(3)).toEqual([expected, "exit"]));
});

test("each instruction knows the one it was made from", () => {
  const { origin, insns } = program("ld #1 | jset #1, a, b | a: ret #1 | b: ret a");
  expect([...origin]).toEqual([0, 0, 0, 0, 1, 1, 2, 2, 3]);
  expect(insns).toHaveLength(origin.length);
});

test("before 4.18 packet loads are the JIT's work: that is not ours to convert", () => {
  expect(() => convertClassic([{ code: 6, jt: 0, jf: 0, k: 0 }], kernels["linux-4.10"])).toThrow(RangeError);
});
