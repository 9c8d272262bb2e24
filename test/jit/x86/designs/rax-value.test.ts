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
