import { describe, it } from "vitest";
import { kernels, profileOf } from "../function.ts";
import { expectJited, jited } from "../jited.ts";

const KERNELS = kernels("6.12");
const POKE = { pokes: [{ map: "jmp_table", key: 0 }] };

describe("tcc-ptr: the count is on the entry's stack, rax carries a pointer to it (6.12, 116e04ba1459)", () => {
  jited(
    "a main function starts the count, or finds a pointer to it in rax",
    KERNELS,
    { tailCallReachable: true, stackDepth: 12 },
    `
    prologue
      f3 0f 1e fa            endbr64                  # trampolines and the dispatcher come here by indirect calls
      0f 1f 44 00 00         nopl (%rax,%rax)         # patch site of trampolines
      48 31 c0               xorq %rax, %rax          # count = 0
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp          # 4 + 5 + 3 + 1 + 3 = 16: where a tail call lands,
      f3 0f 1e fa            endbr64                  # by an indirect jump
      48 81 ec 10 00 00 00   subq $0x10, %rsp         # 12 bytes of BPF stack, rounded up
      48 83 f8 21            cmpq $0x21, %rax         # at most 33: the count itself (entered from outside, or tail-called
      77 06                  ja L0                    # by a main function); above: a pointer (tail-called by a subprogram)
      50                     pushq %rax               # the count ...
      48 89 e0               movq %rsp, %rax          # ... and its address
      eb 01                  jmp L1
      L0:
      50                     pushq %rax               # the pointer twice, so that the frame is equally deep
      L1:
      50                     pushq %rax               # rbp-16-16: always the pointer
    exit
      c9                     leave
      c3                     retq
      cc                     int3
  `,
  );

  jited(
    "what is handed to a subprogram is always a pointer",
    KERNELS,
    { tailCallReachable: true, isSubprog: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)              # in place of xor rax, rax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
      50                     pushq %rax
      50                     pushq %rax
    exit
  `,
  );

  jited(
    "before 6.13 the pointer is loaded before every call",
    "linux-6.12",
    { tailCallReachable: true },
    `
    call pc+1
      48 8b 85 f0 ff ff ff   movq -0x10(%rbp), %rax
      e8 .. .. .. ..         callq subprog
    call bpf_ktime_get_ns
      48 8b 85 f0 ff ff ff   movq -0x10(%rbp), %rax
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );

  jited(
    "since 6.13 only before calls of BPF functions (a1087da9d11e)",
    kernels("6.16"),
    { tailCallReachable: true },
    `
    call pc+2
      48 8b 85 f0 ff ff ff   movq -0x10(%rbp), %rax
      e8 .. .. .. ..         callq subprog
    call bpf_ktime_get_ns
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    call kfunc bpf_cast_to_kern_ctx
      e8 .. .. .. ..         callq bpf_cast_to_kern_ctx
    exit
  `,
  );

  jited(
    "an indirect tail call counts when the slot is known to be set",
    "linux-6.12+mitoff",
    { tailCallReachable: true, stackDepth: 8 },
    `
    tail_call
      89 d2                     movl %edx, %edx                  # the index is a u32
      39 56 24                  cmpl %edx, 0x24(%rsi)            # array->map.max_entries
      76 32                     jbe L0                           # not above the index
      48 8b 85 e8 ff ff ff      movq -0x18(%rbp), %rax           # rbp-16-8: the pointer
      48 83 38 21               cmpq $0x21, (%rax)               # MAX_TAIL_CALL_CNT
      73 25                     jae L0                           # 33 were taken
      48 8b 8c d6 08 01 00 00   movq 0x108(%rsi,%rdx,8), %rcx    # array->ptrs[index]
      48 85 c9                  testq %rcx, %rcx
      74 18                     je L0                            # empty: nothing is spent
      48 83 00 01               addq $0x1, (%rax)
      58                        popq %rax                        # the pointer
      58                        popq %rax                        # a main function's count, a subprogram's pointer
      48 81 c4 08 00 00 00      addq $0x8, %rsp
      48 8b 49 30               movq 0x30(%rcx), %rcx            # prog->bpf_func
      48 83 c1 10               addq $0x10, %rcx
      ff e1                     jmpq *%rcx
      cc                        int3
      L0:
    exit
  `,
  );

  it("without BPF stack, saved registers and mitigations it is 49 bytes; the jumps out go 0x2a, 0x1d and 0x10", () => {
    const { features, ...profile } = profileOf("linux-6.12");
    expectJited(
      { ...profile, features: { ...features, indirectJump: "plain" } },
      { tailCallReachable: true },
      `
      tail_call
        89 d2                     movl %edx, %edx
        39 56 24                  cmpl %edx, 0x24(%rsi)
        76 2a                     jbe L0
        48 8b 85 f0 ff ff ff      movq -0x10(%rbp), %rax
        48 83 38 21               cmpq $0x21, (%rax)
        73 1d                     jae L0
        48 8b 8c d6 08 01 00 00   movq 0x108(%rsi,%rdx,8), %rcx
        48 85 c9                  testq %rcx, %rcx
        74 10                     je L0
        48 83 00 01               addq $0x1, (%rax)
        58                        popq %rax
        58                        popq %rax
        48 8b 49 30               movq 0x30(%rcx), %rcx
        48 83 c1 10               addq $0x10, %rcx
        ff e1                     jmpq *%rcx
        L0:
      exit
    `,
    );
  });

  jited(
    "a direct tail call counts behind the bypass",
    KERNELS,
    { tailCallReachable: true, stackDepth: 8, ...POKE },
    `
    r6 = 1
    tail_call poke[0]
      48 8b 85 e8 ff ff ff      movq -0x18(%rbp), %rax
      48 83 38 21               cmpq $0x21, (%rax)
      73 18                     jae L0
      e9 13 00 00 00            jmp L0                           # bypass: nop5 once the slot is filled
      48 83 00 01               addq $0x1, (%rax)
      5b                        popq %rbx
      58                        popq %rax
      58                        popq %rax
      48 81 c4 08 00 00 00      addq $0x8, %rsp
      0f 1f 44 00 00            nopl (%rax,%rax)                 # target: jmp to the callee + 16
      L0:
    exit
  `,
  );
});
