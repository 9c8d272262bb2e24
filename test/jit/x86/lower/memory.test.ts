import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels();

describe("lower/memory", () => {
  jited(
    "loads: to 64 bits; the displacement is never left out",
    KERNELS,
    {},
    `
    r1 = *(u8 *)(r2 + 0)
      48 0f b6 7e 00               movzbq (%rsi), %rdi
    r1 = *(u16 *)(r2 + 127)
      48 0f b7 7e 7f               movzwq 0x7f(%rsi), %rdi
    r1 = *(u32 *)(r2 + 128)
      8b be 80 00 00 00            movl 0x80(%rsi), %edi
    r1 = *(u64 *)(r10 - 128)
      48 8b 7d 80                  movq -0x80(%rbp), %rdi
    r9 = *(u64 *)(r7 - 129)
      4d 8b bd 7f ff ff ff         movq -0x81(%r13), %r15
    exit
  `,
  );

  jited(
    "sign-extending loads (6.6)",
    kernels("6.6"),
    {},
    `
    r1 = *(s8 *)(r2 + 0)
      48 0f be 7e 00               movsbq (%rsi), %rdi
    r1 = *(s16 *)(r2 + 0)
      48 0f bf 7e 00               movswq (%rsi), %rdi
    r1 = *(s32 *)(r2 + 0)
      48 63 7e 00                  movslq (%rsi), %rdi
    exit
  `,
  );

  jited(
    "stores: a byte of rdi and rsi takes REX, of rax doesn't",
    KERNELS,
    {},
    `
    *(u8 *)(r2 + 0) = r0
      88 46 00                     movb %al, (%rsi)
    *(u8 *)(r2 + 0) = r1
      40 88 7e 00                  movb %dil, (%rsi)
    *(u16 *)(r2 + 0) = r9
      66 44 89 7e 00               movw %r15w, (%rsi)
    *(u32 *)(r2 + 0) = r1
      89 7e 00                     movl %edi, (%rsi)
    *(u64 *)(r10 - 8) = r1
      48 89 7d f8                  movq %rdi, -0x8(%rbp)
    *(u8 *)(r2 + 0) = 0xff
      c6 46 00 ff                  movb $-0x1, (%rsi)
    *(u16 *)(r2 + 0) = 0x1234
      66 c7 46 00 34 12            movw $0x1234, (%rsi)
    *(u32 *)(r9 + 0) = 1
      41 c7 47 00 01 00 00 00      movl $0x1, (%r15)
    *(u64 *)(r2 + 0) = -1
      48 c7 46 00 ff ff ff ff      movq $-0x1, (%rsi)
    exit
  `,
  );

  jited(
    "an arena: base r12, with a SIB byte; REX in any case",
    kernels("6.12"),
    { arena: { kernel: 0xffffc90000a00000n, user: 0x7f0000000000n } },
    `
    r1 = arena *(u8 *)(r2 + 0)
      42 0f b6 7c 26 00            movzbl (%rsi,%r12), %edi
    r1 = arena *(u32 *)(r2 + 128)
      42 8b bc 26 80 00 00 00      movl 0x80(%rsi,%r12), %edi
    r9 = arena *(u64 *)(r7 - 8)
      4f 8b 7c 25 f8               movq -0x8(%r13,%r12), %r15
    arena *(u8 *)(r1 + 0) = r2
      42 88 74 27 00               movb %sil, (%rdi,%r12)
    arena *(u64 *)(r1 + 0) = 5
      4a c7 44 27 00 05 00 00 00   movq $0x5, (%rdi,%r12)
    exit
  `,
  );

  jited(
    "a speculation barrier",
    KERNELS,
    {},
    `
    nospec
      0f ae e8                     lfence
    exit
  `,
  );

  jited(
    "a byte of rbp was stored as ch before 5.7: is_ereg did not know it for one that needs REX (aee194b14dd2)",
    "linux-4.10",
    {},
    `
    *(u8 *)(r1 + 0) = r10
      88 6f 00                     movb %ch, (%rdi)
    *(u8 *)(r1 + 0) = r2
      40 88 77 00                  movb %sil, (%rdi)
    exit
  `,
  );
});
