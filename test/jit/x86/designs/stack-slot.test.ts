import { describe } from "vitest";
import { jited } from "../jited.ts";

describe("stack-slot-4.10: one frame for all programs, the count in it", () => {
  jited(
    "the frame is 552 bytes, whatever the program needs: 512 of BPF stack, four registers, a buffer",
    "linux-4.10",
    {},
    `
    prologue
      55                        pushq %rbp
      48 89 e5                  movq %rsp, %rbp
      48 81 ec 28 02 00 00      subq $0x228, %rsp
      48 89 9d d8 fd ff ff      movq %rbx, -0x228(%rbp)        # saved by mov, from the bottom up
      4c 89 ad e0 fd ff ff      movq %r13, -0x220(%rbp)
      4c 89 b5 e8 fd ff ff      movq %r14, -0x218(%rbp)
      4c 89 bd f0 fd ff ff      movq %r15, -0x210(%rbp)
      31 c0                     xorl %eax, %eax
      48 89 85 f8 fd ff ff      movq %rax, -0x208(%rbp)        # count = 0; 48 bytes so far (PROLOGUE_SIZE)
    exit
      48 8b 9d d8 fd ff ff      movq -0x228(%rbp), %rbx
      4c 8b ad e0 fd ff ff      movq -0x220(%rbp), %r13
      4c 8b b5 e8 fd ff ff      movq -0x218(%rbp), %r14
      4c 8b bd f0 fd ff ff      movq -0x210(%rbp), %r15
      c9                        leave
      c3                        retq
  `,
  );

  jited(
    "a tail call skips the callee's whole prologue and goes on in the same frame",
    "linux-4.10",
    { tailCallReachable: true },
    `
    tail_call
      48 8b 46 ..               movq 0x10(%rsi), %rax          # 64 bits: max_entries, and map_flags above it (90caccdd8cc0)
      48 39 d0                  cmpq %rdx, %rax                # 64 bits of index
      76 2f                     jbe L0                         # 47 bytes
      8b 85 fc fd ff ff         movl -0x204(%rbp), %eax        # the upper half of the buffer
      83 f8 20                  cmpl $0x20, %eax               # MAX_TAIL_CALL_CNT was 32,
      77 24                     ja L0                          # and above it meant that 33 were taken; 36 bytes
      83 c0 01                  addl $0x1, %eax
      89 85 fc fd ff ff         movl %eax, -0x204(%rbp)        # counted before anybody looked into the slot
      48 8d 84 d6 68 00 00 00   leaq 0x68(%rsi,%rdx,8), %rax   # &array->ptrs[index]
      48 8b 00                  movq (%rax), %rax
      48 83 f8 00               cmpq $0x0, %rax
      74 0a                     je L0                          # 10 bytes
      48 8b 40 28               movq 0x28(%rax), %rax          # prog->bpf_func
      48 83 c0 30               addq $0x30, %rax               # PROLOGUE_SIZE
      ff e0                     jmpq *%rax                     # no retpolines yet
      L0:
    exit
  `,
  );
});

describe("stack-slot: the count at a fixed place of a 512-byte frame (4.17 to 5.9)", () => {
  jited(
    "all callee-saved registers are pushed, then the count",
    "linux-5.4",
    { stackDepth: 512 },
    `
    prologue
      55                        pushq %rbp
      48 89 e5                  movq %rsp, %rbp
      48 81 ec 00 02 00 00      subq $0x200, %rsp              # the verifier says 512 where there is a tail call
      53                        pushq %rbx
      41 55                     pushq %r13
      41 56                     pushq %r14
      41 57                     pushq %r15
      6a 00                     pushq $0x0                     # count = 0; 20 bytes so far (PROLOGUE_SIZE)
    exit
      5b                        popq %rbx                      # the count goes nowhere
      41 5f                     popq %r15
      41 5e                     popq %r14
      41 5d                     popq %r13
      5b                        popq %rbx
      c9                        leave
      c3                        retq
  `,
  );

  jited(
    "even where nothing needs it: no stack is subtracted as zero",
    "linux-5.4",
    {},
    `
    prologue
      55                        pushq %rbp
      48 89 e5                  movq %rsp, %rbp
      48 81 ec 00 00 00 00      subq $0x0, %rsp
      53                        pushq %rbx
      41 55                     pushq %r13
      41 56                     pushq %r14
      41 57                     pushq %r15
      6a 00                     pushq $0x0
    exit
  `,
  );

  jited(
    "a classic filter has no count",
    "linux-5.4",
    { classic: true },
    `
    prologue
      55                        pushq %rbp
      48 89 e5                  movq %rsp, %rbp
      48 81 ec 00 00 00 00      subq $0x0, %rsp
      53                        pushq %rbx
      41 55                     pushq %r13
      41 56                     pushq %r14
      41 57                     pushq %r15
    exit
      41 5f                     popq %r15
      41 5e                     popq %r14
      41 5d                     popq %r13
      5b                        popq %rbx
      c9                        leave
      c3                        retq
  `,
  );

  jited(
    "a tail call: 32 bits of index, and a retpoline written out",
    "linux-5.4",
    { tailCallReachable: true, stackDepth: 512 },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 3a                     jbe L2                         # 41 + 17 bytes
      8b 85 dc fd ff ff         movl -0x224(%rbp), %eax        # rbp-548: the upper half of the pushed quadword at rbp-552
      83 f8 20                  cmpl $0x20, %eax
      77 2f                     ja L2                          # 30 + 17
      83 c0 01                  addl $0x1, %eax
      89 85 dc fd ff ff         movl %eax, -0x224(%rbp)
      48 8b 84 d6 .. .. 00 00   movq 0xd0(%rsi,%rdx,8), %rax
      48 85 c0                  testq %rax, %rax
      74 19                     je L2                          # 8 + 17
      48 8b 40 30               movq 0x30(%rax), %rax
      48 83 c0 14               addq $0x14, %rax               # PROLOGUE_SIZE
      e8 07 00 00 00            callq L1
      L0:
      f3 90                     pause                          # where a mispredicted ret ends
      0f ae e8                  lfence
      eb f9                     jmp L0
      L1:
      48 89 04 24               movq %rax, (%rsp)              # the return address becomes the callee's
      c3                        retq
      L2:
    exit
  `,
  );
});
