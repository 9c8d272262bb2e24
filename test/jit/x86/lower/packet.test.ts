import { describe } from "vitest";
import { profileOf } from "../function.ts";
import { jited } from "../jited.ts";

const { len, dataLen, data } = profileOf("linux-4.10").offsets.skb!;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What the prologue is followed by, and what helpers that may move the packet are followed by. */
const CACHE = `
      44 8b 8f .. .. 00 00   movl ${hex(len)}(%rdi), %r9d        # skb->len
      44 2b 8f .. .. 00 00   subl ${hex(dataLen)}(%rdi), %r9d        # - skb->data_len
      4c 8b 97 .. .. 00 00   movq ${hex(data)}(%rdi), %r10        # skb->data`;

describe("lower/packet: LD_ABS and LD_IND before 4.18, when the JIT knew packets", () => {
  jited(
    "what is in one piece is kept in r10 and r9; functions of bpf_jit.S load, the offset in esi",
    "linux-4.10",
    {},
    `
    prologue
      55                        pushq %rbp
      48 89 e5                  movq %rsp, %rbp
      48 81 ec 28 02 00 00      subq $0x228, %rsp
      48 89 9d d8 fd ff ff      movq %rbx, -0x228(%rbp)
      4c 89 ad e0 fd ff ff      movq %r13, -0x220(%rbp)
      4c 89 b5 e8 fd ff ff      movq %r14, -0x218(%rbp)
      4c 89 bd f0 fd ff ff      movq %r15, -0x210(%rbp)
      31 c0                     xorl %eax, %eax
      48 89 85 f8 fd ff ff      movq %rax, -0x208(%rbp)
${CACHE}
    r6 = r1
      48 89 fb               movq %rdi, %rbx
    r0 = *(u16 *)skb[12]
      be 0c 00 00 00         movl $0xc, %esi
      e8 .. .. .. ..         callq sk_load_half_positive_offset
    r0 = *(u32 *)skb[-4096]
      be 00 f0 ff ff         movl $0xfffff000, %esi
      e8 .. .. .. ..         callq sk_load_word_negative_offset    # network and link headers (SKF_LL_OFF)
    r0 = *(u8 *)skb[r7]
      4c 89 ee               movq %r13, %rsi
      e8 .. .. .. ..         callq sk_load_byte                    # sign not known
    r0 = *(u8 *)skb[r7 + 14]
      4c 89 ee               movq %r13, %rsi
      83 c6 0e               addl $0xe, %esi
      e8 .. .. .. ..         callq sk_load_byte
    exit
  `,
  );

  jited(
    "around a call they are saved, or looked up again where the helper may have moved the packet",
    "linux-4.10",
    {},
    `
    r0 = *(u16 *)skb[12]
    call bpf_ktime_get_ns
      41 52                  pushq %r10
      41 51                  pushq %r9
      e8 .. .. .. ..         callq bpf_ktime_get_ns
      41 59                  popq %r9
      41 5a                  popq %r10
    call bpf_skb_store_bytes
      57                     pushq %rdi
      e8 .. .. .. ..         callq bpf_skb_store_bytes
      5f                     popq %rdi
${CACHE}
    exit
  `,
  );

  jited(
    "blinding takes r10, so it is loaded before every use",
    "linux-4.10",
    {},
    `
    r11 = 5
    r0 = *(u16 *)skb[12]
      be 0c 00 00 00         movl $0xc, %esi
      4c 8b 93 .. .. 00 00   movq ${hex(data)}(%rbx), %r10
      e8 .. .. .. ..         callq sk_load_half_positive_offset
    exit
  `,
  );

  jited(
    "a program without them has nothing of it",
    "linux-4.10",
    {},
    `
    call bpf_ktime_get_ns
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );
});
