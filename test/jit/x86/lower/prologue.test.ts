import { describe } from "vitest";
import { jited } from "../jited.ts";

describe("lower/prologue: what the function finds in r9 and r12", () => {
  jited(
    "an arena: r12, saved like the others, is the kernel's address of its first page",
    "linux-6.12",
    { arena: { kernel: 0xffffc90000a00000n, user: 0x7f0000000000n } },
    `
    prologue
      f3 0f 1e fa                      endbr64
      0f 1f 44 00 00                   nopl (%rax,%rax)
      0f 1f 00                         nopl (%rax)
      55                               pushq %rbp
      48 89 e5                         movq %rsp, %rbp
      f3 0f 1e fa                      endbr64
      41 54                            pushq %r12
      53                               pushq %rbx                      # R6
      49 bc 00 00 a0 00 00 c9 ff ff    movabsq $0xffffc90000a00000, %r12
    r6 = arena *(u32 *)(r1 + 4)
      42 8b 5c 27 04                   movl 0x4(%rdi,%r12), %ebx       # base and offset in one SIB
    exit
      5b                               popq %rbx
      41 5c                            popq %r12
      c9                               leave
      c3                               retq
      cc                               int3
  `,
  );

  jited(
    "a private stack: no BPF stack in the frame, R10 is r9",
    "linux-6.18",
    { stackDepth: 20, privateStack: 0x600000001000n },
    `
    prologue
      f3 0f 1e fa                      endbr64
      0f 1f 44 00 00                   nopl (%rax,%rax)
      0f 1f 00                         nopl (%rax)
      55                               pushq %rbp
      48 89 e5                         movq %rsp, %rbp
      f3 0f 1e fa                      endbr64
      49 b9 20 10 00 00 00 60 00 00    movabsq $0x600000001020, %r9    # 8 bytes of guard and 24 of stack above its start
      65 4c 03 0c 25 28 b0 c2 83       addq %gs:-0x7c3d4fd8, %r9       # this_cpu_off: its address in the kernel's image
    *(u64 *)(r10 - 8) = r1
      49 89 79 f8                      movq %rdi, -0x8(%r9)
    exit
      c9                               leave                           # nothing to give back
      c3                               retq
      cc                               int3
  `,
  );
});
