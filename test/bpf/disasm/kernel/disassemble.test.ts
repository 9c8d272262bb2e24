import { describe, expect, test } from "vitest";
import { assemble } from "../../../../bpf/asm/assemble.ts";
import { kernelDisassemble } from "../../../../bpf/disasm/kernel/disassemble.ts";

/** our assembly -> what print_bpf_insn of kernel/bpf/disasm.c says */
const FORMS: [string, string][] = [
  ["r1 = 42", "r1 = 42"],
  ["w0 = -7", "w0 = -7"],
  ["r0 &= 2147483647", "r0 &= 2147483647"],
  ["w1 = w0", "w1 = w0"],
  ["r1 s/= r2", "r1 s/= r2"],
  ["w1 s%= 3", "w1 s%= 3"],
  ["r1 = (s16)r2", "r1 = (s16)r2"],
  ["w1 = (s8)w2", "w1 = (s8)w2"],
  ["r3 = -r3", "r3 = -r3"],
  ["r3 = be16 r3", "r3 = be16 r3"],
  ["r3 = bswap64 r3", "r3 = bswap64 r3"],
  ["r0 = &(void __percpu *)(r0)", "r0 = &(void __percpu *)(r0)"],
  ["r1 = addr_space_cast(r2, 1, 0)", "r1 = addr_space_cast(r2, 1, 0)"],
  ["r1 = *(u64 *)(r10 - 8)", "r1 = *(u64 *)(r10 -8)"],
  ["r1 = *(s16 *)(r2 + 0)", "r1 = *(s16 *)(r2 +0)"],
  ["*(u64 *)(r10 - 16) = r1", "*(u64 *)(r10 -16) = r1"],
  ["*(u8 *)(r1 + 3) = -1", "*(u8 *)(r1 +3) = -1"],
  ["r0 = *(u32 *)skb[23]", "r0 = *(u32 *)skb[23]"],
  ["r0 = *(u8 *)skb[r1 + 14]", "r0 = *(u8 *)skb[r1 + 14]"],
  ["lock *(u64 *)(r1 + 8) += r2", "lock *(u64 *)(r1 +8) += r2"],
  ["r2 = atomic_fetch_add((u64 *)(r1 + 8), r2)", "r2 = atomic64_fetch_add((u64 *)(r1 +8), r2)"],
  ["w2 = atomic_fetch_or((u32 *)(r1 + 8), w2)", "r2 = atomic_fetch_or((u32 *)(r1 +8), r2)"],
  ["r2 = xchg_64(r1 + 0, r2)", "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"],
  ["w0 = cmpxchg32_32(r1 + 0, w0, w2)", "r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)"],
  ["w1 = load_acquire((u8 *)(r2 + 1))", "r1 = load_acquire((u8 *)(r2 +1))"],
  ["store_release((u64 *)(r1 + 1), r2)", "store_release((u64 *)(r1 +1), r2)"],
  ["if r1 == 0 goto +5", "if r1 == 0x0 goto pc+5"],
  ["if w0 s< -10 goto -3", "if w0 s< 0xfffffff6 goto pc-3"],
  ["if r1 & r2 goto +0", "if r1 & r2 goto pc+0"],
  ["goto +1", "goto pc+1"],
  ["gotol -2", "gotol pc-2"],
  ["may_goto +4", "may_goto pc+4"],
  ["gotox r3", "gotox r3"],
  ["call pc+2", "call pc+2"],
  ["call 5", "call unknown"],
  ["call kfunc 77", "call kernel-function"],
  ["nospec", "nospec"],
  ["exit", "exit"],
];

describe("instructions as the kernel prints them", () => {
  test.each(FORMS)("%s", (text, kernel) => {
    expect(kernelDisassemble(assemble(text).insns)).toEqual([kernel]);
  });

  test("a 64-bit immediate takes two slots and is hexadecimal, or what the caller knows it to be", () => {
    const { insns } = assemble("r1 = 0x1234567890 ll\nr2 = 1 ll");
    const imm = (slot: number) => (slot === 2 ? "map[counter][0]+8" : undefined);
    expect(kernelDisassemble(insns, { imm })).toEqual(["r1 = 0x1234567890", "", "r2 = map[counter][0]+8", ""]);
  });

  test("a call's name comes from the caller, who knows addresses; the distance of a dump is in off", () => {
    const { insns } = assemble("call 8\ncall pc+2");
    const dumped = [insns[0], { ...insns[1], off: 7, imm: 1 }];
    expect(kernelDisassemble(dumped, { call: () => "bpf_get_smp_processor_id#8", distance: "off" })).toEqual([
      "call bpf_get_smp_processor_id#8",
      "call pc+7",
    ]);
  });

  test("what the kernel has no words for", () => {
    // a load of no mode, an operation of no class, an atomic of no name, the first half of an LD_IMM64 at the end
    const insns = [0xe1, 0xff, 0xdb, 0x18].map((code) => ({ code, dst: 0, src: 0, off: 0, imm: 0x77 }));
    expect(kernelDisassemble(insns)).toEqual(["BUG_e1", "BUG_ff", "BUG_db", "BUG_18"]);
  });
});
