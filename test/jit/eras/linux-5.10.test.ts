import { describe, expect, it } from "vitest";
import { compile, functionOf, profileOf } from "../x86/function.ts";
import { jited } from "../x86/jited.ts";

// arch/x86/net/bpf_jit_comp.c of v5.10. struct bpf_map.max_entries 36, struct bpf_array.ptrs 272, struct bpf_prog.bpf_func 48.

const KERNEL = "linux-5.10";

describe("5.10: the count by value in eax (ebf7d1f508a7)", () => {
  jited(
    "a main program starts the count; a tail call lands behind push rbp and mov: 11 bytes (X86_TAIL_CALL_OFFSET)",
    KERNEL,
    { tailCallReachable: true, stackDepth: 8 },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)       #  5  no endbr64 before 5.18
      31 c0                  xorl %eax, %eax        #  7
      55                     pushq %rbp             #  8
      48 89 e5               movq %rsp, %rbp        # 11
      48 81 ec 08 00 00 00   subq $0x8, %rsp
      50                     pushq %rax
    exit
      c9                     leave
      c3                     retq
  `,
  );

  jited(
    "an indirect tail call: 32 passes, above it doesn't (until ebf7f6f0a6cd, 5.17); counted before the slot is looked at",
    KERNEL,
    { tailCallReachable: true, stackDepth: 8 },
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 42                     jbe L2                        # 42 + 7 + 17
      8b 85 f4 ff ff ff         movl -0xc(%rbp), %eax         # -4 - 8
      83 f8 20                  cmpl $0x20, %eax
      77 37                     ja L2                         # 31 + 7 + 17
      83 c0 01                  addl $0x1, %eax
      89 85 f4 ff ff ff         movl %eax, -0xc(%rbp)
      48 8b 8c d6 10 01 00 00   movq 0x110(%rsi,%rdx,8), %rcx
      48 85 c9                  testq %rcx, %rcx
      74 21                     je L2                         # 9 + 7 + 17
      58                        popq %rax                     # the count, for the callee
      48 81 c4 08 00 00 00      addq $0x8, %rsp
      48 8b 49 30               movq 0x30(%rcx), %rcx
      48 83 c1 0b               addq $0xb, %rcx               # 11
      e8 07 00 00 00            callq L1                      # RETPOLINE_RCX_BPF_JIT
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
    "a direct one has two patch sites: the bypass goes over what undoes the frame",
    KERNEL,
    { tailCallReachable: true, pokes: [{ map: "jmp_table", key: 0 }] },
    `
    r6 = r1
    tail_call poke[0]
      8b 85 fc ff ff ff      movl -0x4(%rbp), %eax
      83 f8 20               cmpl $0x20, %eax
      77 15                  ja L0                  # 20 + 1
      83 c0 01               addl $0x1, %eax        # counted even if the slot turns out empty
      89 85 fc ff ff ff      movl %eax, -0x4(%rbp)
      e9 07 00 00 00         jmp L0                 # tailcall_bypass
      5b                     popq %rbx
      58                     popq %rax
      0f 1f 44 00 00         nopl (%rax,%rax)       # tailcall_target
      L0:
    exit
      5b                     popq %rbx              # only what is used is saved
      c9                     leave
      c3                     retq
  `,
  );

  jited(
    "before every call the quadword is read at stack_depth + 8, not rounded: garbage where the depth is no multiple of 8",
    KERNEL,
    { tailCallReachable: true, stackDepth: 12 },
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      31 c0                  xorl %eax, %eax
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      48 81 ec 10 00 00 00   subq $0x10, %rsp       # 12 rounded up to 16
      50                     pushq %rax             # at -24
    call pc+1
      48 8b 85 ec ff ff ff   movq -0x14(%rbp), %rax # -20, until ff672c67ee76 (5.19)
      e8 .. .. .. ..         callq subprog
    call bpf_ktime_get_ns
      48 8b 85 ec ff ff ff   movq -0x14(%rbp), %rax # before helpers, too
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );

  it("mitigations=off makes no difference: the retpoline is written out whatever the CPU (until 87c87ecd00c5, 5.16)", () => {
    expect(profileOf(KERNEL).features.indirectJump).toBe("inline-retpoline");
    expect(profileOf(KERNEL).mitigationsOff.indirectJump).toBe("inline-retpoline");
  });
});

describe("5.10: instructions", () => {
  jited(
    "a comparison with 0 is a test (5.8), in the operation's width",
    KERNEL,
    {},
    `
    if r1 == 0 goto out
      48 85 ff               testq %rdi, %rdi
      74 05                  je out
    if w5 != 0 goto out
      45 85 c0               testl %r8d, %r8d
      75 00                  jne out
    out:
    exit
  `,
  );

  jited(
    "PROBE_MEM is the plain load, whatever the address: the exception table alone catches it (a check came with 5.12)",
    KERNEL,
    {},
    `
    r2 = probe *(u64 *)(r1 + 16)
      48 8b 77 10            movq 0x10(%rdi), %rsi
    r7 = probe *(u8 *)(r5 + 0)
      4d 0f b6 68 00         movzbq (%r8), %r13
    exit
  `,
  );

  it("and the entry of that table covers just this instruction, and clears its destination", () => {
    const image = compile(functionOf("r2 = probe *(u64 *)(r1 + 16)\n exit"), profileOf(KERNEL));
    expect(image.extable).toEqual([{ offset: image.body, length: 4, clear: 6 }]);
  });
});
