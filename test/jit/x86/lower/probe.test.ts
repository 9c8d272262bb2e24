import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/probe: loads through pointers that may be anything read 0 where there is no kernel memory", () => {
  jited(
    "since 6.10 user space and the vsyscall page in one comparison (b599d7d26d6a)",
    kernels("6.12"),
    {},
    `
    r1 = probe *(u32 *)(r2 + 0)
      49 c7 c2 00 00 60 ff             movq $-0xa00000, %r10              # VSYSCALL_ADDR
      49 89 f3                         movq %rsi, %r11
      4d 29 d3                         subq %r10, %r11
      49 ba 00 00 a0 00 00 00 00 01    movabsq $0x100000000a00000, %r10   # TASK_SIZE_MAX + PAGE_SIZE - VSYSCALL_ADDR
      4d 39 d3                         cmpq %r10, %r11
      77 04                            ja L0
      31 ff                            xorl %edi, %edi
      eb 03                            jmp L1
      L0:
      8b 7e 00                         movl (%rsi), %edi
      L1:
    r9 = probe *(s8 *)(r6 + 300)
      49 c7 c2 00 00 60 ff             movq $-0xa00000, %r10
      49 89 db                         movq %rbx, %r11
      49 81 c3 2c 01 00 00             addq $0x12c, %r11                  # the address that is read
      4d 29 d3                         subq %r10, %r11
      49 ba 00 00 a0 00 00 00 00 01    movabsq $0x100000000a00000, %r10
      4d 39 d3                         cmpq %r10, %r11
      77 05                            ja L0
      45 31 ff                         xorl %r15d, %r15d
      eb 08                            jmp L1
      L0:
      4c 0f be bb 2c 01 00 00          movsbq 0x12c(%rbx), %r15
      L1:
    exit
  `,
  );

  jited(
    "as 6.6.y does, for which 64 bits are 64 bits",
    "linux-6.6",
    {},
    `
    r1 = probe *(u8 *)(r2 + 0)
      49 ba 00 00 60 ff ff ff ff ff    movabsq $0xffffffffff600000, %r10
      49 89 f3                         movq %rsi, %r11
      4d 29 d3                         subq %r10, %r11
      49 ba 00 00 a0 00 00 00 00 01    movabsq $0x100000000a00000, %r10
      4d 39 d3                         cmpq %r10, %r11
      77 04                            ja L0
      31 ff                            xorl %edi, %edi
      eb 05                            jmp L1
      L0:
      48 0f b6 7e 00                   movzbq (%rsi), %rdi
      L1:
    exit
  `,
  );

  jited(
    "before: above user space by the offset, and src + off no wrap",
    "linux-6.1",
    {},
    `
    r1 = probe *(u64 *)(r2 - 8)
      49 bb 08 00 00 00 00 00 00 01    movabsq $0x100000000000008, %r11   # TASK_SIZE_MAX + PAGE_SIZE + |off|
      4c 39 de                         cmpq %r11, %rsi
      72 0c                            jb L0
      49 89 f3                         movq %rsi, %r11
      49 81 c3 f8 ff ff ff             addq $-0x8, %r11
      73 04                            jae L1
      L0:
      31 ff                            xorl %edi, %edi
      eb 04                            jmp L2
      L1:
      48 8b 7e f8                      movq -0x8(%rsi), %rdi
      L2:
    exit
  `,
  );

  jited(
    "5.5 to 5.15: not checked at all; a fault is fixed up",
    "linux-5.10",
    {},
    `
    r1 = probe *(u64 *)(r2 - 8)
      48 8b 7e f8                      movq -0x8(%rsi), %rdi
    exit
  `,
  );
});
