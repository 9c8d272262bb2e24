import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels();

describe("lower/move", () => {
  jited(
    "a move onto itself is nothing in 64 bits, and clears the upper half in 32",
    KERNELS,
    {},
    `
    r1 = r2
      48 89 f7                         movq %rsi, %rdi
    r1 = r1
      (nothing)
    w1 = w1
      89 ff                            movl %edi, %edi
    r7 = r10
      49 89 ed                         movq %rbp, %r13
    exit
  `,
  );

  jited(
    "an immediate: zero by xor, sign-extended only where that shows",
    KERNELS,
    {},
    `
    r1 = 0
      31 ff                            xorl %edi, %edi
    r5 = 0
      45 31 c0                         xorl %r8d, %r8d
    r1 = 1
      bf 01 00 00 00                   movl $0x1, %edi
    w1 = -1
      bf ff ff ff ff                   movl $0xffffffff, %edi
    r1 = -1
      48 c7 c7 ff ff ff ff             movq $-0x1, %rdi
    r9 = -2147483648
      49 c7 c7 00 00 00 80             movq $-0x80000000, %r15
    exit
  `,
  );

  jited(
    "64 bits: as short as they allow (4.17)",
    kernels("5.4"),
    {},
    `
    r1 = 0 ll
      31 ff                            xorl %edi, %edi
    r1 = 0xffffffff ll
      bf ff ff ff ff                   movl $0xffffffff, %edi                 # 32 unsigned bits
    r1 = 0x100000000 ll
      48 bf 00 00 00 00 01 00 00 00    movabsq $0x100000000, %rdi
    r9 = 0xffffffff7fffffff ll
      49 bf ff ff ff 7f ff ff ff ff    movabsq $0xffffffff7fffffff, %r15 # 33 signed bits
    exit
  `,
  );

  jited(
    "32 signed bits of 64 have a form of their own since 6.10 (af682b767a41)",
    kernels("6.12"),
    {},
    `
    r1 = 0xffffffff80000000 ll
      48 c7 c7 00 00 00 80             movq $-0x80000000, %rdi
    exit
  `,
  );
  jited(
    "and took all 64 before",
    kernels("4.10", "6.12"),
    {},
    `
    r1 = 0xffffffff80000000 ll
      48 bf 00 00 00 80 ff ff ff ff    movabsq $0xffffffff80000000, %rdi
    exit
  `,
  );

  jited(
    "sign extension: from a byte with REX in any case, so that sil is not dh (6.6)",
    kernels("6.6"),
    {},
    `
    r1 = (s8)r2
      48 0f be fe                      movsbq %sil, %rdi
    w1 = (s8)w2
      40 0f be fe                      movsbl %sil, %edi
    r1 = (s16)r2
      48 0f bf fe                      movswq %si, %rdi
    w1 = (s16)w2
      0f bf fe                         movswl %si, %edi
    r1 = (s32)r2
      48 63 fe                         movslq %esi, %rdi
    r9 = (s8)r5
      4d 0f be f8                      movsbq %r8b, %r15
    exit
  `,
  );

  jited(
    "64 bits in 4.10: all of them, unless all are 0",
    "linux-4.10",
    {},
    `
    r1 = 0 ll
      48 31 ff                         xorq %rdi, %rdi
    r1 = 1 ll
      48 bf 01 00 00 00 00 00 00 00    movabsq $0x1, %rdi
    exit
  `,
  );
});
