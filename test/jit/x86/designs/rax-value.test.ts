import { describe } from "vitest";
import { jited } from "../jited.ts";

const POKE = { pokes: [{ map: "jmp_table", key: 0 }] };

describe("rax-value: the count travels in eax and lives in every frame (5.10 to 6.11)", () => {
  jited(
    "a main function starts the count, and keeps it below its BPF stack",
    "linux-6.1",
    { tailCallReachable: true, stackDepth: 12 },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)         # patch site of trampolines
      31 c0                  xorl %eax, %eax          # count = 0; a tail call lands behind what stands up to here ...
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp          # ... and to here: 5 + 2 + 1 + 3 = 11 (X86_TAIL_CALL_OFFSET)
      48 81 ec 10 00 00 00   subq $0x10, %rsp         # 12 bytes of BPF stack, rounded up to 16; always an imm32
      50                     pushq %rax               # the count is the low half of rax, so the dword at rbp-0x18;
    exit                                              # the code reads rbp-4-16 = rbp-0x14, the high half
      c9                     leave                    # nobody pops the count
      c3                     retq
      cc                     int3
  `,
  );

  jited(
    "a subprogram takes the count over: nothing resets eax, yet the entry is as long",
    "linux-6.1",
    { tailCallReachable: true, isSubprog: true },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      66 90                  nop                      # in place of xor eax, eax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      50                     pushq %rax
    exit
  `,
  );

  jited(
    "a function that no tail call is reachable from keeps no count, yet can be tail-called",
    "linux-6.1",
    {},
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      66 90                  nop
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
    exit
  `,
  );

  jited(
    "before every call, of BPF functions and of helpers, the whole quadword goes to rax: the count in bits 63:32",
    "linux-6.1",
    { tailCallReachable: true, stackDepth: 8 },
    `
    call pc+1
      48 8b 85 f0 ff ff ff   movq -0x10(%rbp), %rax   # rbp-8-8: what the prologue pushed, and the count on top of it
      e8 .. .. .. ..         callq subprog
    call bpf_ktime_get_ns
      48 8b 85 f0 ff ff ff   movq -0x10(%rbp), %rax   # a helper has no use for it
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );

  jited(
    "an indirect tail call counts before it looks into the slot: an empty one costs",
    "linux-6.1+mitoff",
    { tailCallReachable: true, stackDepth: 8 },
    `
    tail_call
      89 d2                     movl %edx, %edx                  # the index is a u32
      39 56 24                  cmpl %edx, 0x24(%rsi)            # array->map.max_entries
      76 34                     jbe L0                           # not above the index
      8b 85 f4 ff ff ff         movl -0xc(%rbp), %eax            # rbp-4-8: the high half
      83 f8 21                  cmpl $0x21, %eax                 # MAX_TAIL_CALL_CNT
      73 29                     jae L0                           # 33 were taken
      83 c0 01                  addl $0x1, %eax
      89 85 f4 ff ff ff         movl %eax, -0xc(%rbp)
      48 8b 8c d6 10 01 00 00   movq 0x110(%rsi,%rdx,8), %rcx    # array->ptrs[index]
      48 85 c9                  testq %rcx, %rcx
      74 13                     je L0                            # empty
      58                        popq %rax                        # the count for the callee
      48 81 c4 08 00 00 00      addq $0x8, %rsp                  # rsp = rbp, as behind the callee's mov rbp, rsp
      48 8b 49 30               movq 0x30(%rcx), %rcx            # prog->bpf_func
      48 83 c1 0b               addq $0xb, %rcx                  # its first 11 bytes are done already
      ff e1                     jmpq *%rcx
      cc                        int3
      L0:
    exit
  `,
  );

  jited(
    "a direct tail call: two patch sites, as they are while the slot is empty",
    "linux-6.1",
    { tailCallReachable: true, ...POKE },
    `
    r6 = 1
    tail_call poke[0]
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax
      73 15                     jae L0
      83 c0 01                  addl $0x1, %eax                  # counted even if the slot is empty
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      e9 07 00 00 00            jmp L0                           # bypass: becomes nop5 when the slot is filled
      5b                        popq %rbx                        # r6 lives in it
      58                        popq %rax
      0f 1f 44 00 00            nopl (%rax,%rax)                 # target: becomes jmp to the callee + 11
      L0:
    exit
  `,
  );
});

describe("rax-value before 5.19: what it got wrong, and how it was written", () => {
  jited(
    "the count is read from where it is not, when the BPF stack is no multiple of 8 (ff672c67ee76)",
    ["linux-5.10", "linux-5.17"],
    { tailCallReachable: true, stackDepth: 12 },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      31 c0                  xorl %eax, %eax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      48 81 ec 10 00 00 00   subq $0x10, %rsp         # 12 is rounded up here ...
      50                     pushq %rax               # ... so the count is at rbp-0x18
    call pc+1
      48 8b 85 ec ff ff ff   movq -0x14(%rbp), %rax   # ... and not here: rbp-(12+8)
      e8 .. .. .. ..         callq subprog
    exit
      c9                     leave
      c3                     retq                     # no int3: CONFIG_SLS came with 5.17, and needs gcc 12
  `,
  );

  jited(
    "5.10 leaves above 32, with a retpoline written out; still 33 calls pass",
    "linux-5.10",
    { tailCallReachable: true },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 3b                     jbe L2                           # 42 + 17 bytes
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 20                  cmpl $0x20, %eax                 # MAX_TAIL_CALL_CNT was 32
      77 30                     ja L2                            # 31 + 17
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      48 8b 8c d6 .. .. 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 1a                     je L2                            # 9 + 17
      58                        popq %rax
      48 8b 49 ..               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx
      e8 07 00 00 00            callq L1
      L0:
      f3 90                     pause
      0f ae e8                  lfence
      eb f9                     jmp L0
      L1:
      48 89 0c 24               movq %rcx, (%rsp)
      c3                        retq
      L2:
    exit
  `,
  );

  jited(
    "5.17 leaves at 33 (ebf7f6f0a6cd), through a thunk",
    "linux-5.17",
    { tailCallReachable: true },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 2f                     jbe L0                           # 42 + 5 bytes
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax                 # MAX_TAIL_CALL_CNT is 33
      73 24                     jae L0
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      48 8b 8c d6 .. .. 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 0e                     je L0
      58                        popq %rax
      48 8b 49 ..               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx
      e9 .. .. .. ..            jmp __x86_indirect_thunk_rcx
      L0:
    exit
  `,
  );

  jited(
    "a direct tail call of 5.10",
    "linux-5.10",
    { tailCallReachable: true, ...POKE },
    `
    tail_call poke[0]
      8b 85 fc ff ff ff         movl -0x4(%rbp), %eax
      83 f8 20                  cmpl $0x20, %eax
      77 14                     ja L0
      83 c0 01                  addl $0x1, %eax
      89 85 fc ff ff ff         movl %eax, -0x4(%rbp)
      e9 06 00 00 00            jmp L0                           # bypass
      58                        popq %rax
      0f 1f 44 00 00            nopl (%rax,%rax)                 # target
      L0:
    exit
  `,
  );
});

describe("rax-value with IBT (5.18)", () => {
  jited(
    "two endbr64: one for callers, one for tail calls, which land at 15",
    "linux-6.6",
    { tailCallReachable: true, stackDepth: 8 },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      31 c0                  xorl %eax, %eax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp          # 4 + 5 + 2 + 1 + 3 = 15
      f3 0f 1e fa            endbr64
      48 81 ec 08 00 00 00   subq $0x8, %rsp
      50                     pushq %rax
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 ..                     jbe L0
      8b 85 f4 ff ff ff         movl -0xc(%rbp), %eax
      83 f8 21                  cmpl $0x21, %eax
      73 ..                     jae L0
      83 c0 01                  addl $0x1, %eax
      89 85 f4 ff ff ff         movl %eax, -0xc(%rbp)
      48 8b 8c d6 .. .. 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 ..                     je L0
      58                        popq %rax
      48 81 c4 08 00 00 00      addq $0x8, %rsp
      48 8b 49 ..               movq 0x30(%rcx), %rcx
      48 83 c1 0f               addq $0xf, %rcx          # 11 + 4
      e9 .. .. .. ..            jmp __x86_indirect_thunk_rcx
      L0:
    exit
  `,
  );
});
