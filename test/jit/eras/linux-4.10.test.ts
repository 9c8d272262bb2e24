import { describe } from "vitest";
import { jited } from "../x86/jited.ts";

// arch/x86/net/bpf_jit_comp.c of v4.10. Offsets in comments: struct bpf_map.max_entries 16, struct bpf_array.ptrs 104, struct bpf_prog.bpf_func 40;
// struct sk_buff: len 128, data_len 132, data 216.

const KERNEL = "linux-4.10";

describe("4.10: one frame for every program", () => {
  jited(
    "the prologue is 48 bytes long whatever the program needs (PROLOGUE_SIZE): tail calls skip it whole",
    KERNEL,
    { stackDepth: 8 },
    `
    prologue                                                    # no nop5: trampolines came with 5.5
      55                     pushq %rbp                         #  1
      48 89 e5               movq %rsp, %rbp                    #  4
      48 81 ec 28 02 00 00   subq $0x228, %rsp                  # 11  512 of BPF stack, 4 registers, 8: 552 (STACKSIZE)
      48 89 9d d8 fd ff ff   movq %rbx, -0x228(%rbp)            # 18  -552: saved by mov, used or not
      4c 89 ad e0 fd ff ff   movq %r13, -0x220(%rbp)            # 25  -544
      4c 89 b5 e8 fd ff ff   movq %r14, -0x218(%rbp)            # 32  -536
      4c 89 bd f0 fd ff ff   movq %r15, -0x210(%rbp)            # 39  -528
      31 c0                  xorl %eax, %eax                    # 41
      48 89 85 f8 fd ff ff   movq %rax, -0x208(%rbp)            # 48  -520: its upper half, -516, is the count
    exit
      48 8b 9d d8 fd ff ff   movq -0x228(%rbp), %rbx
      4c 8b ad e0 fd ff ff   movq -0x220(%rbp), %r13
      4c 8b b5 e8 fd ff ff   movq -0x218(%rbp), %r14
      4c 8b bd f0 fd ff ff   movq -0x210(%rbp), %r15
      c9                     leave
      c3                     retq                               # no int3 (5.17), no thunk (5.19)
  `,
  );

  jited(
    "a tail call leaves nothing behind: the callee goes on in this frame",
    KERNEL,
    { tailCallReachable: true, stackDepth: 512 },
    `
    tail_call
      48 8b 46 10               movq 0x10(%rsi), %rax           # 8 bytes: max_entries, and map_flags above it
      48 39 d0                  cmpq %rdx, %rax                 # all 64 bits of the index (until 90caccdd8cc0, 4.14)
      76 2f                     jbe L0                          # 47 bytes to go (OFFSET1)
      8b 85 fc fd ff ff         movl -0x204(%rbp), %eax         # -516: STACKSIZE - 36
      83 f8 20                  cmpl $0x20, %eax                # MAX_TAIL_CALL_CNT is 32 ...
      77 24                     ja L0                           # ... and passed when above: 33 calls; 36 to go (OFFSET2)
      83 c0 01                  addl $0x1, %eax                 # counted before the slot is looked at
      89 85 fc fd ff ff         movl %eax, -0x204(%rbp)
      48 8d 84 d6 68 00 00 00   leaq 0x68(%rsi,%rdx,8), %rax    # &array->ptrs[index]
      48 8b 00                  movq (%rax), %rax
      48 83 f8 00               cmpq $0x0, %rax                 # empty?
      74 0a                     je L0                           # 10 to go (OFFSET3)
      48 8b 40 28               movq 0x28(%rax), %rax           # prog->bpf_func
      48 83 c0 30               addq $0x30, %rax                # 48: behind its prologue
      ff e0                     jmpq *%rax                      # before retpolines
      L0:
    exit
  `,
  );

  jited(
    "before a call nothing is handed on: there are no calls of BPF functions (4.16)",
    KERNEL,
    { tailCallReachable: true, stackDepth: 512 },
    `
    call bpf_ktime_get_ns
      e8 .. .. .. ..         callq bpf_ktime_get_ns
    exit
  `,
  );
});

describe("4.10: instructions that later became shorter", () => {
  jited(
    "division saves rax and rdx whatever dst is; a divisor in a register is compared with 0 by the JIT",
    KERNEL,
    {},
    `
    r1 /= r2
      50                     pushq %rax
      52                     pushq %rdx
      49 89 f3               movq %rsi, %r11                    # the divisor
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx
      49 83 fb 00            cmpq $0x0, %r11
      75 09                  jne L0                             # over 1 + 1 + 2 + 5 bytes
      5a                     popq %rdx
      58                     popq %rax
      31 c0                  xorl %eax, %eax                    # the program returns 0
      e9 .. 00 00 00         jmp @3                             # to the epilogue, never short
      L0:
      49 f7 f3               divq %r11
      49 89 c3               movq %rax, %r11                    # the quotient, over the pops
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    w1 %= w2
      50                     pushq %rax
      52                     pushq %rdx
      49 89 f3               movq %rsi, %r11
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx
      49 83 fb 00            cmpq $0x0, %r11                    # 64 bits though the division has 32: a divisor of 1 << 32
      75 09                  jne L0                             # passes, and the CPU faults (68fda450a7df, 4.16)
      5a                     popq %rdx
      58                     popq %rax
      31 c0                  xorl %eax, %eax
      e9 .. 00 00 00         jmp @3
      L0:
      41 f7 f3               divl %r11d
      49 89 d3               movq %rdx, %r11                    # the remainder
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    r1 /= 7
      50                     pushq %rax
      52                     pushq %rdx
      49 c7 c3 07 00 00 00   movq $0x7, %r11
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx                    # a constant is not compared: the verifier refuses 0
      49 f7 f3               divq %r11
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    exit
  `,
  );

  jited(
    "multiplication goes through rdx:rax, saved whatever dst is; the immediate is always a sign-extended imm32",
    KERNEL,
    {},
    `
    r1 *= 3
      50                     pushq %rax
      52                     pushq %rdx
      49 89 fb               movq %rdi, %r11
      48 c7 c0 03 00 00 00   movq $0x3, %rax
      49 f7 e3               mulq %r11
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    w0 *= w3
      50                     pushq %rax
      52                     pushq %rdx
      49 89 c3               movq %rax, %r11
      48 89 d0               movq %rdx, %rax                    # 64 bits; the upper half doesn't count
      41 f7 e3               mull %r11d
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 d8               movq %r11, %rax
    exit
  `,
  );

  jited(
    "no short forms: rax has no opcode of its own, nor has a shift by one, nor a comparison with 0",
    KERNEL,
    {},
    `
    r0 += 0x12345
      48 81 c0 45 23 01 00   addq $0x12345, %rax                # later 48 05
    r1 <<= 1
      48 c1 e7 01            shlq $0x1, %rdi                    # later 48 d1 e7
    if r1 == 0 goto out
      48 83 ff 00            cmpq $0x0, %rdi                    # later 48 85 ff
      74 00                  je out
    out:
    exit
  `,
  );

  jited(
    "LD_IMM64 is a movabs even where 32 bits would do; 0 is a 64-bit xor",
    KERNEL,
    {},
    `
    r1 = 0 ll
      48 31 ff                        xorq %rdi, %rdi
    r5 = 0 ll
      4d 31 c0                        xorq %r8, %r8
    r1 = 1 ll
      48 bf 01 00 00 00 00 00 00 00   movabsq $0x1, %rdi
    r1 = -1 ll
      48 bf ff ff ff ff ff ff ff ff   movabsq $0xffffffffffffffff, %rdi
    exit
  `,
  );

  jited(
    "a shift by register saves rcx on the stack even where it is the destination",
    KERNEL,
    {},
    `
    r1 >>= r2
      51                     pushq %rcx
      48 89 f1               movq %rsi, %rcx
      48 d3 ef               shrq %cl, %rdi
      59                     popq %rcx
    w4 <<= w2
      49 89 cb               movq %rcx, %r11
      51                     pushq %rcx
      48 89 f1               movq %rsi, %rcx
      41 d3 e3               shll %cl, %r11d
      59                     popq %rcx
      4c 89 d9               movq %r11, %rcx
    r4 s>>= r4
      49 89 cb               movq %rcx, %r11
      49 d3 fb               sarq %cl, %r11
      4c 89 d9               movq %r11, %rcx
    exit
  `,
  );

  jited(
    "a byte store of r10 lacks the REX prefix that makes it bpl (until aee194b14dd2, 5.7); r1 and r2 have theirs",
    KERNEL,
    {},
    `
    *(u8 *)(r1 + 0) = w10
      88 6f 00               movb %ch, (%rdi)
    *(u8 *)(r1 + 0) = w2
      40 88 77 00            movb %sil, (%rdi)
    lock *(u32 *)(r1 + 4) += w2
      f0 01 77 04            lock addl %esi, 0x4(%rdi)          # BPF_XADD, the only atomic
    exit
  `,
  );
});

describe("4.10: LD_ABS and LD_IND are the JIT's", () => {
  jited(
    "length and address of the packet's first piece are looked up once, in r9 and r10, behind where tail calls land",
    KERNEL,
    {},
    `
    prologue
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      48 81 ec 28 02 00 00   subq $0x228, %rsp
      48 89 9d d8 fd ff ff   movq %rbx, -0x228(%rbp)
      4c 89 ad e0 fd ff ff   movq %r13, -0x220(%rbp)
      4c 89 b5 e8 fd ff ff   movq %r14, -0x218(%rbp)
      4c 89 bd f0 fd ff ff   movq %r15, -0x210(%rbp)
      31 c0                  xorl %eax, %eax
      48 89 85 f8 fd ff ff   movq %rax, -0x208(%rbp)
      44 8b 8f 80 00 00 00   movl 0x80(%rdi), %r9d              # skb->len
      44 2b 8f 84 00 00 00   subl 0x84(%rdi), %r9d              # - skb->data_len
      4c 8b 97 d8 00 00 00   movq 0xd8(%rdi), %r10              # skb->data
    r0 = *(u16 *)skb[12]
      be 0c 00 00 00         movl $0xc, %esi
      e8 .. .. .. ..         callq sk_load_half_positive_offset
    r0 = *(u32 *)skb[-1048576]
      be 00 00 f0 ff         movl $0xfff00000, %esi             # SKF_NET_OFF: at or above SKF_LL_OFF
      e8 .. .. .. ..         callq sk_load_word_negative_offset
    r0 = *(u8 *)skb[-2097153]
      be ff ff df ff         movl $0xffdfffff, %esi             # below SKF_LL_OFF: the function that looks itself
      e8 .. .. .. ..         callq sk_load_byte
    r0 = *(u8 *)skb[r7 + 4]
      4c 89 ee               movq %r13, %rsi
      83 c6 04               addl $0x4, %esi
      e8 .. .. .. ..         callq sk_load_byte
    r0 = *(u32 *)skb[r7 + 300]
      4c 89 ee               movq %r13, %rsi
      81 c6 2c 01 00 00      addl $0x12c, %esi
      e8 .. .. .. ..         callq sk_load_word
    call bpf_ktime_get_ns
      41 52                  pushq %r10                         # C may scratch both
      41 51                  pushq %r9
      e8 .. .. .. ..         callq bpf_ktime_get_ns
      41 59                  popq %r9
      41 5a                  popq %r10
    call bpf_skb_vlan_push
      57                     pushq %rdi                         # the packet may be elsewhere: looked up again
      e8 .. .. .. ..         callq bpf_skb_vlan_push
      5f                     popq %rdi
      44 8b 8f 80 00 00 00   movl 0x80(%rdi), %r9d
      44 2b 8f 84 00 00 00   subl 0x84(%rdi), %r9d
      4c 8b 97 d8 00 00 00   movq 0xd8(%rdi), %r10
    exit
  `,
  );
});
