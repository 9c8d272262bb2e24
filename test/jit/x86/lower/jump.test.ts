import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels();

describe("lower/jump", () => {
  jited(
    "conditions, unsigned and signed, of registers",
    KERNELS,
    {},
    `
    out:
    if r1 == r2 goto out
      48 39 f7               cmpq %rsi, %rdi
      74 fb                  je out
    if w1 != w2 goto out
      39 f7                  cmpl %esi, %edi
      75 f7                  jne out
    if r1 > r5 goto out
      4c 39 c7               cmpq %r8, %rdi
      77 f2                  ja out
    if r5 < r1 goto out
      49 39 f8               cmpq %rdi, %r8
      72 ed                  jb out
    if r1 >= r2 goto out
      48 39 f7               cmpq %rsi, %rdi
      73 e8                  jae out
    if r1 <= r2 goto out
      48 39 f7               cmpq %rsi, %rdi
      76 e3                  jbe out
    if w1 s> w2 goto out
      39 f7                  cmpl %esi, %edi
      7f df                  jg out
    if w1 s< w2 goto out
      39 f7                  cmpl %esi, %edi
      7c db                  jl out
    if w1 s>= w2 goto out
      39 f7                  cmpl %esi, %edi
      7d d7                  jge out
    if w1 s<= w2 goto out
      39 f7                  cmpl %esi, %edi
      7e d3                  jle out
    if r1 & r2 goto out
      48 85 f7               testq %rsi, %rdi
      75 ce                  jne out
    exit
  `,
  );

  jited(
    "of an immediate: 0 by test, one byte where it fits; rax like all others; a mask is always four bytes",
    kernels("5.10"),
    {},
    `
    if r1 == 0 goto out
      48 85 ff               testq %rdi, %rdi
      74 ..                  je out
    if w1 s< 0 goto out
      85 ff                  testl %edi, %edi
      7c ..                  jl out
    if r1 > 127 goto out
      48 83 ff 7f            cmpq $0x7f, %rdi
      77 ..                  ja out
    if r0 == 128 goto out
      48 81 f8 80 00 00 00   cmpq $0x80, %rax
      74 ..                  je out
    if r0 & 1 goto out
      48 f7 c0 01 00 00 00   testq $0x1, %rax
      75 ..                  jne out
    if w9 & 0x80000000 goto out
      41 f7 c7 00 00 00 80   testl $0x80000000, %r15d
      75 ..                  jne out
    out:
    exit
  `,
  );

  jited(
    "unconditional: short where it fits, left out where it goes nowhere, two bytes onto itself",
    KERNELS,
    {},
    `
    goto out
      eb 0e                  jmp out
    gotol out
      eb 0c                  jmp out              # 32 bits of distance in the BPF say nothing about the code
    goto +0
      (nothing)
    r1 = 0x123456789abc ll
    goto -1
      eb fe                  jmp @5
    out:
    exit
  `,
  );

  jited(
    "a comparison with 0 before 5.8",
    kernels("4.10", "5.10"),
    {},
    `
    if r1 == 0 goto out
      48 83 ff 00            cmpq $0x0, %rdi
      74 00                  je out
    out:
    exit
  `,
  );
});
