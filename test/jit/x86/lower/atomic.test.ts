import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

/** Fetching atomics came with 5.12. */
const KERNELS = kernels("5.17");

describe("lower/atomic", () => {
  jited(
    "what one instruction does",
    KERNELS,
    {},
    `
    lock *(u64 *)(r1 + 0) += r2
      f0 48 01 77 00          lock addq %rsi, (%rdi)
    lock *(u32 *)(r1 + 8) |= w5
      f0 44 09 47 08          lock orl %r8d, 0x8(%rdi)
    lock *(u64 *)(r9 + 0) &= r2
      f0 49 21 77 00          lock andq %rsi, (%r15)
    lock *(u32 *)(r1 + 0) ^= w2
      f0 31 77 00             lock xorl %esi, (%rdi)
    r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)
      f0 48 0f c1 77 00       lock xaddq %rsi, (%rdi)
    r0 = cmpxchg_64(r1 + 0, r0, r2)
      f0 48 0f b1 77 00       lock cmpxchgq %rsi, (%rdi)    # compares with rax, as BPF does with R0
    w0 = cmpxchg32_32(r1 + 0, w0, w2)
      f0 0f b1 77 00          lock cmpxchgl %esi, (%rdi)
    exit
  `,
  );

  jited(
    "xchg has a lock that it doesn't need",
    kernels("5.17", "7.2"),
    {},
    `
    r2 = xchg_64(r1 + 0, r2)
      f0 48 87 77 00          lock xchgq %rsi, (%rdi)
    exit
  `,
  );
  jited(
    "and none since 7.1",
    "linux-7.2",
    {},
    `
    r2 = xchg_64(r1 + 0, r2)
      48 87 77 00             xchgq %rsi, (%rdi)
    exit
  `,
  );

  jited(
    "fetch-and-and: r10 keeps rax, r11 is the new value, and it is tried again until nobody was faster",
    KERNELS,
    {},
    `
    r2 = atomic_fetch_and((u64 *)(r1 + 8), r2)
      49 89 c2                movq %rax, %r10
      L0:
      48 8b 47 08             movq 0x8(%rdi), %rax
      49 89 c3                movq %rax, %r11
      49 21 f3                andq %rsi, %r11
      f0 4c 0f b1 5f 08       lock cmpxchgq %r11, 0x8(%rdi)
      75 ee                   jne L0
      48 89 c6                movq %rax, %rsi
      4c 89 d0                movq %r10, %rax
    exit
  `,
  );

  jited(
    "R0 is in r10 meanwhile, whether it is the address or the operand (b29dd96b905f)",
    KERNELS,
    {},
    `
    r2 = atomic_fetch_or((u64 *)(r0 + 8), r2)
      49 89 c2                movq %rax, %r10
      L0:
      49 8b 42 08             movq 0x8(%r10), %rax
      49 89 c3                movq %rax, %r11
      49 09 f3                orq %rsi, %r11
      f0 4d 0f b1 5a 08       lock cmpxchgq %r11, 0x8(%r10)
      75 ee                   jne L0
      48 89 c6                movq %rax, %rsi
      4c 89 d0                movq %r10, %rax
    w0 = atomic_fetch_xor((u32 *)(r1 + 0), w0)
      49 89 c2                movq %rax, %r10
      L0:
      8b 47 00                movl (%rdi), %eax
      41 89 c3                movl %eax, %r11d
      45 31 d3                xorl %r10d, %r11d
      f0 44 0f b1 5f 00       lock cmpxchgl %r11d, (%rdi)
      75 ef                   jne L0
      41 89 c2                movl %eax, %r10d              # the old value, upper half cleared
      4c 89 d0                movq %r10, %rax
    exit
  `,
  );

  jited(
    "acquire and release are what x86 does anyway",
    kernels("6.16"),
    {},
    `
    r1 = load_acquire((u16 *)(r2 + 0))
      48 0f b7 7e 00          movzwq (%rsi), %rdi
    store_release((u64 *)(r1 - 8), r2)
      48 89 77 f8             movq %rsi, -0x8(%rdi)
    exit
  `,
  );

  jited(
    "in an arena: base r12, with a SIB byte",
    kernels("6.12", "7.2"),
    { arena: { kernel: 0xffffc90000a00000n, user: 0x7f0000000000n } },
    `
    arena lock *(u64 *)(r1 + 0) += r2
      f0 4a 01 74 27 00       lock addq %rsi, (%rdi,%r12)
    r2 = arena atomic_fetch_add((u32 *)(r1 + 0), r2)
      f0 42 0f c1 74 27 00    lock xaddl %esi, (%rdi,%r12)
    r2 = arena xchg_64(r1 + 0, r2)
      f0 4a 87 74 27 00       lock xchgq %rsi, (%rdi,%r12)
    exit
  `,
  );
});
