import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels();

describe("lower/alu", () => {
  jited(
    "by register: the 64-bit form has REX.W, and r8 to r15 a REX bit of their own",
    KERNELS,
    {},
    `
    r0 += r1
      48 01 f8         addq %rdi, %rax
    w0 += w1
      01 f8            addl %edi, %eax
    r5 -= r6
      49 29 d8         subq %rbx, %r8
    w6 |= w5
      44 09 c3         orl %r8d, %ebx
    r9 &= r8
      4d 21 f7         andq %r14, %r15
    w7 ^= w10
      41 31 ed         xorl %ebp, %r13d
    exit
  `,
  );

  jited(
    "by immediate: one byte where it fits, rax without ModRM otherwise (4.17)",
    kernels("5.4"),
    {},
    `
    r0 += 127
      48 83 c0 7f            addq $0x7f, %rax
    r0 += 128
      48 05 80 00 00 00      addq $0x80, %rax
    w0 -= 128
      2d 80 00 00 00         subl $0x80, %eax
    r1 -= -128
      48 83 ef 80            subq $-0x80, %rdi
    r1 &= -129
      48 81 e7 7f ff ff ff   andq $-0x81, %rdi
    w5 |= 1
      41 83 c8 01            orl $0x1, %r8d
    w5 ^= 0x12345678
      41 81 f0 78 56 34 12   xorl $0x12345678, %r8d
    exit
  `,
  );

  jited(
    "before 4.17 rax has no form of its own, and a shift by one neither",
    "linux-4.10",
    {},
    `
    r0 += 128
      48 81 c0 80 00 00 00   addq $0x80, %rax
    w0 -= 128
      81 e8 80 00 00 00      subl $0x80, %eax
    r0 += 127
      48 83 c0 7f            addq $0x7f, %rax
    r1 <<= 1
      48 c1 e7 01            shlq $0x1, %rdi
    exit
  `,
  );

  jited(
    "negation",
    KERNELS,
    {},
    `
    r1 = -r1
      48 f7 df               negq %rdi
    w5 = -w5
      41 f7 d8               negl %r8d
    exit
  `,
  );

  jited(
    "an address in the arena for user space: the upper half of the mapping's address, unless the lower half is 0",
    kernels("6.12"),
    { arena: { kernel: 0xffffc90000a00000n, user: 0x7f1234000000n } },
    `
    r1 = addr_space_cast(r2, 1, 0)
      89 f7                  movl %esi, %edi
      48 c1 e7 20            shlq $0x20, %rdi
      48 81 cf 12 7f 00 00   orq $0x7f12, %rdi
      48 c1 c7 20            rolq $0x20, %rdi
      4d 31 db               xorq %r11, %r11
      85 ff                  testl %edi, %edi
      49 0f 44 fb            cmoveq %r11, %rdi
    r0 = addr_space_cast(r0, 1, 0)
      48 c1 e0 20            shlq $0x20, %rax          # no move onto itself
      48 0d 12 7f 00 00      orq $0x7f12, %rax         # rax has a form without ModRM
      48 c1 c0 20            rolq $0x20, %rax
      4d 31 db               xorq %r11, %r11
      85 c0                  testl %eax, %eax
      49 0f 44 c3            cmoveq %r11, %rax
    r6 = addr_space_cast(r5, 1, 0)
      44 89 c3               movl %r8d, %ebx
      48 c1 e3 20            shlq $0x20, %rbx
      48 81 cb 12 7f 00 00   orq $0x7f12, %rbx
      48 c1 c3 20            rolq $0x20, %rbx
      4d 31 db               xorq %r11, %r11
      85 db                  testl %ebx, %ebx
      49 0f 44 db            cmoveq %r11, %rbx
    exit
  `,
  );

  jited(
    "an address in the arena for the kernel: the lower half",
    kernels("6.12"),
    { arena: { kernel: 0xffffc90000a00000n, user: 0x7f1234000000n } },
    `
    w1 = w2                  # what the verifier makes of r1 = addr_space_cast(r2, 0, 1)
      89 f7                  movl %esi, %edi
    exit
  `,
  );
});

describe("lower/alu: a per-CPU address (BPF_ADDR_PERCPU) is this_cpu_off more", () => {
  jited(
    "R0, the one register that the kernel uses it with",
    "linux-6.12",
    {},
    `
    r0 = &(void __percpu *)(r0)
      65 48 03 04 25 18 9a 01 00   addq %gs:0x19a18, %rax          # an offset from 0
    r0 = &(void __percpu *)(r6)
      48 89 d8                     movq %rbx, %rax
      65 48 03 04 25 18 9a 01 00   addq %gs:0x19a18, %rax
    exit
  `,
  );
  jited(
    "since 6.15 this_cpu_off has an address, sign-extended from 32 bits",
    "linux-6.18",
    {},
    `
    r0 = &(void __percpu *)(r0)
      65 48 03 04 25 28 b0 c2 83   addq %gs:-0x7c3d4fd8, %rax
    exit
  `,
  );

  jited(
    "from 6.12 to 7.1 r8 and up come out as the register eight below: REX.B in place of REX.R",
    "linux-6.12",
    {},
    `
    r1 = &(void __percpu *)(r1)
      65 48 03 3c 25 18 9a 01 00   addq %gs:0x19a18, %rdi          # right
    r5 = &(void __percpu *)(r5)
      65 49 03 04 25 18 9a 01 00   addq %gs:0x19a18, %rax          # r8 was meant: REX.B has nothing to extend here
    r7 = &(void __percpu *)(r7)
      65 49 03 2c 25 18 9a 01 00   addq %gs:0x19a18, %rbp          # r13
    r8 = &(void __percpu *)(r8)
      65 49 03 34 25 18 9a 01 00   addq %gs:0x19a18, %rsi          # r14
    r9 = &(void __percpu *)(r9)
      65 49 03 3c 25 18 9a 01 00   addq %gs:0x19a18, %rdi          # r15
    exit
  `,
  );
  jited(
    "since 7.2 they don't",
    "linux-7.2",
    {},
    `
    r5 = &(void __percpu *)(r5)
      65 4c 03 04 25 28 d0 db 83   addq %gs:-0x7c242fd8, %r8
    r9 = &(void __percpu *)(r9)
      65 4c 03 3c 25 28 d0 db 83   addq %gs:-0x7c242fd8, %r15
    exit
  `,
  );
});
