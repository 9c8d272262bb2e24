import { describe } from "vitest";
import { jited } from "../x86/jited.ts";

// arch/x86/net/bpf_jit_comp.c of v5.17. struct bpf_map.max_entries 36, struct bpf_array.ptrs 272, struct bpf_prog.bpf_func 48.

const KERNEL = "linux-5.17";

describe("5.17: the count by value", () => {
  jited(
    "the prologue is that of 5.10: no endbr64 yet",
    KERNEL,
    { tailCallReachable: true, isSubprog: true },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      66 90                  nop                    # in place of xor eax, eax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      50                     pushq %rax
    exit
      c9                     leave
      c3                     retq                   # CONFIG_SLS is off
  `,
  );

  jited(
    "an indirect tail call: compared with 33, not below (ebf7f6f0a6cd); the jump is a thunk's (87c87ecd00c5, 5.16)",
    KERNEL,
    { tailCallReachable: true },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 2f                     jbe L0
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax              # 33
      73 24                     jae L0
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      48 8b 8c d6 10 01 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 0e                     je L0
      58                        popq %rax
      48 8b 49 30               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx
      e9 .. .. .. ..            jmp __x86_indirect_thunk_rcx
      L0:
    exit
  `,
  );

  jited(
    "mitigations=off: a plain jump, and no int3 behind it (5.18)",
    `${KERNEL}+mitoff`,
    { tailCallReachable: true },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 2c                     jbe L0
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax
      73 21                     jae L0
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      48 8b 8c d6 10 01 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 0b                     je L0
      58                        popq %rax
      48 8b 49 30               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx
      ff e1                     jmpq *%rcx
      L0:
    exit
  `,
  );

  jited(
    "before calls the quadword is still read at stack_depth + 8, not rounded (until ff672c67ee76, 5.19)",
    KERNEL,
    { tailCallReachable: true, stackDepth: 12 },
    `
    call pc+1
      48 8b 85 ec ff ff ff   movq -0x14(%rbp), %rax
      e8 .. .. .. ..         callq subprog
    exit
  `,
  );
});

describe("5.17: instructions", () => {
  jited(
    "multiplication is imul (5.16)",
    KERNEL,
    {},
    `
    r1 *= r2
      48 0f af fe            imulq %rsi, %rdi
    w5 *= 3
      45 6b c0 03            imull $0x3, %r8d, %r8d
    exit
  `,
  );

  jited(
    "division saves and copies only what it must (57a610f1c58f, 5.16)",
    KERNEL,
    {},
    `
    r3 /= r4
      50                     pushq %rax
      48 89 d0               movq %rdx, %rax
      31 d2                  xorl %edx, %edx
      48 f7 f1               divq %rcx
      48 89 c2               movq %rax, %rdx
      58                     popq %rax
    w0 %= w3
      52                     pushq %rdx
      49 89 d3               movq %rdx, %r11        # rdx is about to be cleared
      31 d2                  xorl %edx, %edx
      41 f7 f3               divl %r11d
      89 d0                  movl %edx, %eax
      5a                     popq %rdx
    exit
  `,
  );

  jited(
    "PROBE_MEM loads only above TASK_SIZE_MAX + PAGE_SIZE + |off|, where src + off does not wrap (588a25e92458, 5.16)",
    KERNEL,
    {},
    `
    r2 = probe *(u64 *)(r1 + 16)
      49 bb 10 00 00 00 00 80 00 00   movabsq $0x800000000010, %r11   # 2^47 - 4096 + 4096 + 16
      4c 39 df                        cmpq %r11, %rdi
      72 0c                           jb L0
      49 89 fb                        movq %rdi, %r11
      49 81 c3 10 00 00 00            addq $0x10, %r11
      73 04                           jae L1
      L0:
      31 f6                           xorl %esi, %esi
      eb 04                           jmp L2
      L1:
      48 8b 77 10                     movq 0x10(%rdi), %rsi
      L2:
    exit
  `,
  );
});
