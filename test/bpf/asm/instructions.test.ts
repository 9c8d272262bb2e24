import { expect, test } from "vitest";
import { disassemble } from "../../../bpf/disasm/disassemble.ts";
import { decodeInsns } from "../../../bpf/insn.ts";
import { slots } from "./hex.ts";

/**
 * One line for each form: the text, and the bytes code, src|dst, off, imm of struct bpf_insn. LLVM's own MC tests agree on
 * those that LLVM has. The disassembler prints each exactly as it stands here.
 */
const INSTRUCTIONS = `
  r1 = r2                                        bf 21 00 00 00 00 00 00
  w1 = w2                                        bc 21 00 00 00 00 00 00
  r9 = 5                                         b7 09 00 00 05 00 00 00
  w9 = -1                                        b4 09 00 00 ff ff ff ff
  r1 += 5                                        07 01 00 00 05 00 00 00
  w1 -= w2                                       1c 21 00 00 00 00 00 00
  r2 *= -4                                       27 02 00 00 fc ff ff ff
  r3 /= r4                                       3f 43 00 00 00 00 00 00
  r3 s/= r4                                      3f 43 01 00 00 00 00 00
  w4 %= 5                                        94 04 00 00 05 00 00 00
  w4 s%= 5                                       94 04 01 00 05 00 00 00
  r4 |= r5                                       4f 54 00 00 00 00 00 00
  r5 &= 255                                      57 05 00 00 ff 00 00 00
  r6 <<= 63                                      67 06 00 00 3f 00 00 00
  w7 >>= w8                                      7c 87 00 00 00 00 00 00
  r8 ^= 0                                        a7 08 00 00 00 00 00 00
  r9 s>>= r0                                     cf 09 00 00 00 00 00 00
  w9 s>>= 31                                     c4 09 00 00 1f 00 00 00
  r2 = -r2                                       87 02 00 00 00 00 00 00
  w2 = -w2                                       84 02 00 00 00 00 00 00
  r1 = (s8)r2                                    bf 21 08 00 00 00 00 00
  r1 = (s16)r2                                   bf 21 10 00 00 00 00 00
  r1 = (s32)r2                                   bf 21 20 00 00 00 00 00
  w1 = (s8)w2                                    bc 21 08 00 00 00 00 00
  w1 = (s16)w2                                   bc 21 10 00 00 00 00 00
  r1 = be16 r1                                   dc 01 00 00 10 00 00 00
  r1 = be64 r1                                   dc 01 00 00 40 00 00 00
  r1 = le32 r1                                   d4 01 00 00 20 00 00 00
  r1 = bswap32 r1                                d7 01 00 00 20 00 00 00
  r1 = bswap64 r1                                d7 01 00 00 40 00 00 00
  r1 = addr_space_cast(r2, 0, 1)                 bf 21 01 00 01 00 00 00
  r1 = addr_space_cast(r2, 1, 0)                 bf 21 01 00 00 00 01 00

  r5 = *(u8 *)(r0 + 0)                           71 05 00 00 00 00 00 00
  r6 = *(u16 *)(r1 + 8)                          69 16 08 00 00 00 00 00
  r7 = *(u32 *)(r2 + 16)                         61 27 10 00 00 00 00 00
  r8 = *(u64 *)(r3 - 30)                         79 38 e2 ff 00 00 00 00
  r5 = *(s8 *)(r0 + 0)                           91 05 00 00 00 00 00 00
  r6 = *(s16 *)(r1 + 8)                          89 16 08 00 00 00 00 00
  r7 = *(s32 *)(r2 - 32768)                      81 27 00 80 00 00 00 00
  *(u8 *)(r0 + 0) = r7                           73 70 00 00 00 00 00 00
  *(u16 *)(r1 + 8) = r8                          6b 81 08 00 00 00 00 00
  *(u32 *)(r2 + 16) = r9                         63 92 10 00 00 00 00 00
  *(u64 *)(r3 - 30) = r10                        7b a3 e2 ff 00 00 00 00
  *(u8 *)(r1 - 3) = 5                            72 01 fd ff 05 00 00 00
  *(u64 *)(r10 - 8) = -1                         7a 0a f8 ff ff ff ff ff
  r0 = *(u8 *)skb[14]                            30 00 00 00 0e 00 00 00
  r0 = *(u16 *)skb[-4096]                        28 00 00 00 00 f0 ff ff
  r0 = *(u32 *)skb[r2]                           40 20 00 00 00 00 00 00
  r0 = *(u8 *)skb[r1 + 14]                       50 10 00 00 0e 00 00 00

  lock *(u64 *)(r1 + 0) += r2                    db 21 00 00 00 00 00 00
  lock *(u32 *)(r2 + 16) += w9                   c3 92 10 00 00 00 00 00
  lock *(u64 *)(r1 + 0) |= r2                    db 21 00 00 40 00 00 00
  lock *(u64 *)(r1 + 0) &= r2                    db 21 00 00 50 00 00 00
  lock *(u64 *)(r1 + 0) ^= r2                    db 21 00 00 a0 00 00 00
  r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)     db 21 00 00 01 00 00 00
  w2 = atomic_fetch_or((u32 *)(r1 - 4), w2)      c3 21 fc ff 41 00 00 00
  r2 = atomic_fetch_and((u64 *)(r1 + 0), r2)     db 21 00 00 51 00 00 00
  r2 = atomic_fetch_xor((u64 *)(r1 + 0), r2)     db 21 00 00 a1 00 00 00
  r2 = xchg_64(r1 + 0, r2)                       db 21 00 00 e1 00 00 00
  w2 = xchg32_32(r1 + 0, w2)                     c3 21 00 00 e1 00 00 00
  r0 = cmpxchg_64(r1 + 8, r0, r2)                db 21 08 00 f1 00 00 00
  w0 = cmpxchg32_32(r1 + 8, w0, w2)              c3 21 08 00 f1 00 00 00
  r1 = load_acquire((u64 *)(r2 + 0))             db 21 00 00 00 01 00 00
  w1 = load_acquire((u8 *)(r2 + 1))              d3 21 01 00 00 01 00 00
  store_release((u64 *)(r1 + 0), r2)             db 21 00 00 10 01 00 00
  store_release((u16 *)(r1 - 2), w2)             cb 21 fe ff 10 01 00 00

  goto +5                                        05 00 05 00 00 00 00 00
  gotol -3                                       06 00 00 00 fd ff ff ff
  may_goto +1                                    e5 00 01 00 00 00 00 00
  gotox r1                                       0d 01 00 00 00 00 00 00
  if r0 == r1 goto +24                           1d 10 18 00 00 00 00 00
  if r3 != -1 goto +13                           55 03 0d 00 ff ff ff ff
  if r1 > 64 goto +12                            25 01 0c 00 40 00 00 00
  if w2 >= w3 goto +21                           3e 32 15 00 00 00 00 00
  if r4 s> r5 goto -20                           6d 54 ec ff 00 00 00 00
  if w5 s>= 7 goto +9                            76 05 09 00 07 00 00 00
  if r6 < r7 goto +18                            ad 76 12 00 00 00 00 00
  if r7 <= 65535 goto +7                         b5 07 07 00 ff ff 00 00
  if r8 s< 0 goto +6                             c5 08 06 00 00 00 00 00
  if r9 s<= r10 goto +15                         dd a9 0f 00 00 00 00 00
  if w1 & 7 goto +0                              46 01 00 00 07 00 00 00
  call bpf_map_lookup_elem                       85 00 00 00 01 00 00 00
  call 1234                                      85 00 00 00 d2 04 00 00
  call pc-3                                      85 10 00 00 fd ff ff ff
  call kfunc 1234                                85 20 00 00 d2 04 00 00
  call kfunc 1234, 1                             85 20 01 00 d2 04 00 00
  callx r1                                       8d 01 00 00 00 00 00 00
  exit                                           95 00 00 00 00 00 00 00

  w11 = -559038737                               b4 0b 00 00 ef be ad de
  r12 ^= r11                                     af bc 00 00 00 00 00 00
  w1 = zext w1                                   bc 11 00 00 01 00 00 00
  r0 = &(void __percpu *)(r0)                    bf 00 ff ff 00 00 00 00
  r1 = probe *(u32 *)(r2 + 4)                    21 21 04 00 00 00 00 00
  r1 = probe *(u64 *)(r2 + 4)                    39 21 04 00 00 00 00 00
  r1 = probe *(s8 *)(r2 + 4)                     51 21 04 00 00 00 00 00
  r1 = arena *(u32 *)(r2 + 4)                    a1 21 04 00 00 00 00 00
  r1 = arena *(s16 *)(r2 + 4)                    c9 21 04 00 00 00 00 00
  arena *(u64 *)(r1 + 0) = r2                    bb 21 00 00 00 00 00 00
  arena *(u8 *)(r1 + 0) = 5                      b2 01 00 00 05 00 00 00
  arena lock *(u64 *)(r1 + 0) += r2              fb 21 00 00 00 00 00 00
  w2 = arena atomic_fetch_add((u32 *)(r1 + 0), w2)     e3 21 00 00 01 00 00 00
  r0 = arena cmpxchg_64(r1 + 0, r0, r2)          fb 21 00 00 f1 00 00 00
  r1 = arena load_acquire((u64 *)(r2 + 0))       fb 21 00 00 00 01 00 00
  arena store_release((u32 *)(r1 + 0), w2)       e3 21 00 00 10 01 00 00
  tail_call                                      f5 00 00 00 00 00 00 00
  tail_call poke[2]                              f5 00 00 00 03 00 00 00
  nospec                                         c2 00 00 00 00 00 00 00
`;

const rows = INSTRUCTIONS.split("\n")
  .filter((line) => line.trim())
  .map((line) =>
    line
      .trim()
      .match(/^(.*\S)\s+((?:[0-9a-f]{2} ?){8})$/)!
      .slice(1, 3),
  );

test.each(rows)("%s", (text, bytes) => {
  expect(slots(text)).toEqual([bytes]);
  expect(disassemble(decodeInsns(Buffer.from(bytes.replaceAll(" ", ""), "hex")))).toEqual([text]);
});

test("an instruction is the same however it is spaced", () => {
  expect(slots("  r0=*(u32*)(r1+4)")).toEqual(slots("r0 = * ( u32 * ) ( r1 + 4 )"));
  expect(slots("*(u8*)(r1-3)=r2")).toEqual(slots("*(u8 *)(r1 - 3) = r2"));
  expect(slots("if r1&7 goto+5")).toEqual(slots("if r1 & 7 goto +5"));
});

test("narrow loads, stores and atomics take both names of a register", () => {
  expect(slots("w1 = *(u32 *)(r2 + 0)")).toEqual(slots("r1 = *(u32 *)(r2 + 0)"));
  expect(slots("*(u8 *)(r2 + 0) = w1")).toEqual(slots("*(u8 *)(r2 + 0) = r1"));
  expect(slots("lock *(u32 *)(r1 + 0) += r2")).toEqual(slots("lock *(u32 *)(r1 + 0) += w2"));
  expect(slots("r2 = atomic_fetch_add((u32 *)(r1 + 0), r2)")).toEqual(
    slots("w2 = atomic_fetch_add((u32 *)(r1 + 0), w2)"),
  );
});

test("numbers are decimal, hexadecimal, binary or octal, and may be calculated", () => {
  expect(slots("r1 = 0x10\nr1 = 0b10000\nr1 = 020\nr1 = 16")).toEqual(Array(4).fill("b7 01 00 00 10 00 00 00"));
  expect(slots("r1 = 2*3 + 1<<2")).toEqual(["b7 01 00 00 0a 00 00 00"]); // << binds like *, as in GNU as
  expect(slots("r1 = (0xff & ~0xf) | 2")).toEqual(["b7 01 00 00 f2 00 00 00"]);
  expect(slots("r1 = *(u64 *)(r10 - 4 + 12)")).toEqual(slots("r1 = *(u64 *)(r10 + 8)"));
});

test("a 32-bit immediate may be written signed or unsigned", () => {
  expect(slots("r1 = 0xffffffff")).toEqual(slots("r1 = -1"));
  expect(slots("if r2 >= 0xffffffff goto +1")).toEqual(slots("if r2 >= -1 goto +1"));
});

test("LD_IMM64 takes two slots, low half first", () => {
  expect(slots("r1 = 5 ll")).toEqual(["18 01 00 00 05 00 00 00", "00 00 00 00 00 00 00 00"]);
  expect(slots("r9 = 0x1122334455667788 ll")).toEqual(["18 09 00 00 88 77 66 55", "00 00 00 00 44 33 22 11"]);
  expect(slots("r9 = -2 ll")).toEqual(["18 09 00 00 fe ff ff ff", "00 00 00 00 ff ff ff ff"]);
  expect(slots("ld_pseudo r1, 5, 0x300000007")).toEqual(["18 51 00 00 07 00 00 00", "00 00 00 00 03 00 00 00"]);
});

test(".8byte is a slot as a little-endian number", () => {
  expect(slots(".8byte 0x1122334455667788\n.quad -1")).toEqual(["88 77 66 55 44 33 22 11", "ff ff ff ff ff ff ff ff"]);
});

test("words of the kernel's disassembler and of inline assembly are understood", () => {
  expect(slots("goto pc+5")).toEqual(slots("goto +5"));
  expect(slots("if r1 == 0x0 goto pc-2")).toEqual(slots("if r1 == 0 goto -2"));
  expect(slots("r1 = *(u32 *)(r1 +4)")).toEqual(slots("r1 = *(u32 *)(r1 + 4)"));
  expect(slots("call %[bpf_get_prandom_u32]")).toEqual(["85 00 00 00 07 00 00 00"]);
  expect(slots("r2 = *(u32 *)(r1 + %[data_end])", { constants: { data_end: 80 } })).toEqual([
    "61 12 50 00 00 00 00 00",
  ]);
  expect(slots("r0 = 1; goto l0_%=\nl0_%=: exit", { semicolon: "separator" })).toHaveLength(3);
});
