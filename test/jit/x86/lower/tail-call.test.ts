import { describe } from "vitest";
import { jited } from "../jited.ts";

describe("lower/tail-call: what differs between kernels and CPUs", () => {
  /** struct bpf_array's max_entries and ptrs, and struct bpf_prog's bpf_func: as bytes and as text */
  for (const [profile, maxEntries, ptrs, bpfFunc] of [
    ["linux-6.12", ["24", "0x24"], ["08 01 00 00", "0x108"], ["30", "0x30"]],
    // struct bpf_map and struct bpf_prog start with hashes of 32 bytes
    ["linux-6.18", ["44", "0x44"], ["30 01 00 00", "0x130"], ["48", "0x48"]],
    ["linux-7.2", ["4c", "0x4c"], ["30 01 00 00", "0x130"], ["48", "0x48"]],
  ] as const)
    jited(
      "struct members",
      `${profile}+mitoff`,
      { tailCallReachable: true },
      `
      tail_call
        89 d2                        movl %edx, %edx
        39 56 ${maxEntries[0]}       cmpl %edx, ${maxEntries[1]}(%rsi)
        76 2b                        jbe L0
        48 8b 85 f0 ff ff ff         movq -0x10(%rbp), %rax
        48 83 38 21                  cmpq $0x21, (%rax)
        73 1e                        jae L0
        48 8b 8c d6 ${ptrs[0]}       movq ${ptrs[1]}(%rsi,%rdx,8), %rcx
        48 85 c9                     testq %rcx, %rcx
        74 11                        je L0
        48 83 00 01                  addq $0x1, (%rax)
        58                           popq %rax
        58                           popq %rax
        48 8b 49 ${bpfFunc[0]}       movq ${bpfFunc[1]}(%rcx), %rcx
        48 83 c1 10                  addq $0x10, %rcx
        ff e1                        jmpq *%rcx
        cc                           int3
        L0:
      exit
    `,
    );

  for (const [profile, jump] of [
    ["linux-6.12", "e9 .. .. .. ..   jmp __x86_indirect_thunk_rcx"],
    ["linux-6.12+stuff", "e9 .. .. .. ..   jmp __x86_indirect_jump_thunk_rcx"],
    ["linux-6.12+mitoff", "ff e1   jmpq *%rcx\n        cc   int3"],
    ["linux-6.12+lfence", "0f ae e8   lfence\n        ff e1   jmpq *%rcx"],
  ])
    jited(
      "behind the registers and the frame, which it leaves in reverse order, stands the jump",
      profile,
      { tailCallReachable: true, isSubprog: true, stackDepth: 16 },
      `
      r6 = r7
      r8 = r9
      tail_call
        89 d2                        movl %edx, %edx
        39 56 24                     cmpl %edx, 0x24(%rsi)
        76 ..                        jbe L0
        48 8b 85 e0 ff ff ff         movq -0x20(%rbp), %rax
        48 83 38 21                  cmpq $0x21, (%rax)
        73 ..                        jae L0
        48 8b 8c d6 08 01 00 00      movq 0x108(%rsi,%rdx,8), %rcx
        48 85 c9                     testq %rcx, %rcx
        74 ..                        je L0
        48 83 00 01                  addq $0x1, (%rax)
        41 5f                        popq %r15
        41 5e                        popq %r14
        41 5d                        popq %r13
        5b                           popq %rbx
        58                           popq %rax
        58                           popq %rax
        48 81 c4 10 00 00 00         addq $0x10, %rsp
        48 8b 49 30                  movq 0x30(%rcx), %rcx
        48 83 c1 10                  addq $0x10, %rcx
        ${jump}
        L0:
      exit
    `,
    );

  jited(
    "a subprogram tail-calls like its main function: the callee finds what the frame held",
    "linux-6.1+mitoff",
    { tailCallReachable: true, isSubprog: true },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 2d                     jbe L0
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax
      73 22                     jae L0
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      48 8b 8c d6 10 01 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 0c                     je L0
      58                        popq %rax
      48 8b 49 30               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx
      ff e1                     jmpq *%rcx
      cc                        int3
      L0:
    exit
  `,
  );

  jited(
    "a function that may throw gives back r12, too",
    "linux-6.12",
    { tailCallReachable: true, exceptionBoundary: true, pokes: [{ map: "jmp_table", key: 0 }] },
    `
    tail_call poke[0]
      48 8b 85 f0 ff ff ff      movq -0x10(%rbp), %rax
      48 83 38 21               cmpq $0x21, (%rax)
      73 19                     jae L0
      e9 14 00 00 00            jmp L0
      48 83 00 01               addq $0x1, (%rax)
      41 5f                     popq %r15
      41 5e                     popq %r14
      41 5d                     popq %r13
      5b                        popq %rbx
      41 5c                     popq %r12
      58                        popq %rax
      58                        popq %rax
      0f 1f 44 00 00            nopl (%rax,%rax)
      L0:
    exit
  `,
  );
});
