import { describe, it } from "vitest";
import { profileOf } from "../x86/function.ts";
import { expectJited, jited } from "../x86/jited.ts";

// arch/x86/net/bpf_jit_comp.c of v5.4.y and v5.8. struct bpf_map.max_entries 36, struct bpf_array.ptrs 208, struct bpf_prog.bpf_func 48.

const KERNEL = "linux-5.4";
/** The verifier gives a program that tail calls 512 bytes of stack, whatever it uses. */
const TAIL_CALLS = { tailCallReachable: true, stackDepth: 512 };

describe("5.4: a frame of the program's size, the count at its end", () => {
  jited(
    "the prologue is 20 bytes long (PROLOGUE_SIZE): tail calls skip it whole, so that the callee's frame is the caller's",
    KERNEL,
    TAIL_CALLS,
    `
    prologue
      55                     pushq %rbp             #  1
      48 89 e5               movq %rsp, %rbp        #  4
      48 81 ec 00 02 00 00   subq $0x200, %rsp      # 11
      53                     pushq %rbx             # 12  -520
      41 55                  pushq %r13             # 14  -528
      41 56                  pushq %r14             # 16  -536
      41 57                  pushq %r15             # 18  -544
      6a 00                  pushq $0x0               # 20  -552: the count is its upper half, -548
    exit
      5b                     popq %rbx              # the count
      41 5f                  popq %r15
      41 5e                  popq %r14
      41 5d                  popq %r13
      5b                     popq %rbx
      c9                     leave
      c3                     retq
  `,
  );

  jited(
    "a subprogram, and a program without tail calls, has a frame of its own size; all registers are saved, used or not",
    KERNEL,
    { isSubprog: true, stackDepth: 12 },
    `
    prologue
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      48 81 ec 10 00 00 00   subq $0x10, %rsp       # 12 rounded up to 16
      53                     pushq %rbx
      41 55                  pushq %r13
      41 56                  pushq %r14
      41 57                  pushq %r15
      6a 00                  pushq $0x0
    exit
  `,
  );

  jited(
    "no stack is made room for, too; a classic filter has no count",
    KERNEL,
    { classic: true },
    `
    prologue
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      48 81 ec 00 00 00 00   subq $0x0, %rsp
      53                     pushq %rbx
      41 55                  pushq %r13
      41 56                  pushq %r14
      41 57                  pushq %r15
    exit
      41 5f                  popq %r15
      41 5e                  popq %r14
      41 5d                  popq %r13
      5b                     popq %rbx
      c9                     leave
      c3                     retq
  `,
  );

  jited(
    "a tail call: 32 bits of the index, the count counted before the slot is looked at, a retpoline written out",
    KERNEL,
    TAIL_CALLS,
    `
    tail_call
      89 d2                     movl %edx, %edx
      39 56 24                  cmpl %edx, 0x24(%rsi)
      76 3a                     jbe L2                          # 41 + 17 bytes to go (OFFSET1)
      8b 85 dc fd ff ff         movl -0x224(%rbp), %eax         # -36 - MAX_BPF_STACK
      83 f8 20                  cmpl $0x20, %eax
      77 2f                     ja L2                           # 30 + 17 (OFFSET2)
      83 c0 01                  addl $0x1, %eax
      89 85 dc fd ff ff         movl %eax, -0x224(%rbp)
      48 8b 84 d6 d0 00 00 00   movq 0xd0(%rsi,%rdx,8), %rax
      48 85 c0                  testq %rax, %rax
      74 19                     je L2                           # 8 + 17 (OFFSET3)
      48 8b 40 30               movq 0x30(%rax), %rax
      48 83 c0 14               addq $0x14, %rax                # 20
      e8 07 00 00 00            callq L1                        # RETPOLINE_RAX_BPF_JIT, 17 bytes: to the mov
      L0:
      f3 90                     pause
      0f ae e8                  lfence
      eb f9                     jmp L0                          # to the pause
      L1:
      48 89 04 24               movq %rax, (%rsp)               # what ret goes to
      c3                        retq
      L2:
    exit
  `,
  );
});

describe("5.5 to 5.9: a patch site, and direct tail calls that are patched", () => {
  const poked = { ...profileOf(KERNEL), design: "stack-slot-poked" };
  const profile = { ...poked, features: { ...poked.features, patchSite: true } };

  it("a nop5 in front makes the prologue 25 bytes; the poked site is the only one, as nothing is undone before it", () => {
    expectJited(
      profile,
      { ...TAIL_CALLS, pokes: [{ map: "jmp_table", key: 0 }] },
      `
      prologue
        0f 1f 44 00 00         nopl (%rax,%rax)       #  5
        55                     pushq %rbp
        48 89 e5               movq %rsp, %rbp
        48 81 ec 00 02 00 00   subq $0x200, %rsp
        53                     pushq %rbx
        41 55                  pushq %r13
        41 56                  pushq %r14
        41 57                  pushq %r15
        6a 00                  pushq $0x0               # 25
      tail_call poke[0]
        8b 85 dc fd ff ff      movl -0x224(%rbp), %eax
        83 f8 20               cmpl $0x20, %eax
        77 0e                  ja L0                  # 3 + 6 + 5
        83 c0 01               addl $0x1, %eax
        89 85 dc fd ff ff      movl %eax, -0x224(%rbp)
        0f 1f 44 00 00         nopl (%rax,%rax)       # poke->ip: a jmp to bpf_func + 25 while the slot is set
        L0:
      exit
    `,
    );
  });
});

describe("5.4: instructions", () => {
  jited(
    "multiplication saves rax and rdx where they are not dst; the immediate in its shortest form",
    KERNEL,
    {},
    `
    r1 *= r2
      50                     pushq %rax
      52                     pushq %rdx
      49 89 fb               movq %rdi, %r11
      48 89 f0               movq %rsi, %rax
      49 f7 e3               mulq %r11
      5a                     popq %rdx
      48 89 c7               movq %rax, %rdi
      58                     popq %rax
    w0 *= 3
      52                     pushq %rdx
      49 89 c3               movq %rax, %r11
      b8 03 00 00 00         movl $0x3, %eax
      41 f7 e3               mull %r11d
      5a                     popq %rdx
    r3 *= -1
      50                     pushq %rax
      49 89 d3               movq %rdx, %r11
      48 c7 c0 ff ff ff ff   movq $-0x1, %rax
      49 f7 e3               mulq %r11
      48 89 c2               movq %rax, %rdx
      58                     popq %rax
    exit
  `,
  );

  jited(
    "division saves both whatever dst is; the guard is the verifier's (4.16)",
    KERNEL,
    {},
    `
    r3 /= r4
      50                     pushq %rax
      52                     pushq %rdx
      49 89 cb               movq %rcx, %r11
      48 89 d0               movq %rdx, %rax
      31 d2                  xorl %edx, %edx
      49 f7 f3               divq %r11
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 da               movq %r11, %rdx
    w0 %= 10
      50                     pushq %rax
      52                     pushq %rdx
      49 c7 c3 0a 00 00 00   movq $0xa, %r11
      31 d2                  xorl %edx, %edx                 # rax is dst: no copy
      41 f7 f3               divl %r11d
      49 89 d3               movq %rdx, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 d8               movq %r11, %rax
    exit
  `,
  );

  jited(
    "short forms of 4.17: rax with an imm32, a shift by one, LD_IMM64 of 32 unsigned bits; a comparison with 0 is still a cmp",
    KERNEL,
    {},
    `
    r0 += 0x12345
      48 05 45 23 01 00               addq $0x12345, %rax
    r1 <<= 1
      48 d1 e7                        shlq %rdi
    r1 = 0x80000000 ll
      bf 00 00 00 80                  movl $0x80000000, %edi
    r1 = 0 ll
      31 ff                           xorl %edi, %edi
    r1 = -1 ll
      48 bf ff ff ff ff ff ff ff ff   movabsq $0xffffffffffffffff, %rdi
    if r1 == 0 goto out
      48 83 ff 00                     cmpq $0x0, %rdi                 # a test since 5.8
      74 00                           je out
    out:
    exit
  `,
  );

  jited(
    "a byte of r10 is bpl (aee194b14dd2, in 5.4.y)",
    KERNEL,
    {},
    `
    *(u8 *)(r1 + 0) = w10
      40 88 6f 00            movb %bpl, (%rdi)
    lock *(u64 *)(r7 + 0) += r1
      f0 49 01 7d 00         lock addq %rdi, (%r13)
    exit
  `,
  );

  jited(
    "LD_ABS is no business of the JIT's any more (4.18): r9 and r10 mean nothing around calls",
    KERNEL,
    {},
    `
    call bpf_ktime_get_ns
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );
});
