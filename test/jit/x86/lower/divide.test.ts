import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels("5.17");

describe("lower/divide: through rdx:rax, which are given back unless they are the destination", () => {
  jited(
    "unsigned, by register and by immediate",
    KERNELS,
    {},
    `
    r1 /= r5
      50                     pushq %rax
      52                     pushq %rdx
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx
      49 f7 f0               divq %r8
      48 89 c7               movq %rax, %rdi
      5a                     popq %rdx
      58                     popq %rax
    w1 %= 10
      50                     pushq %rax
      52                     pushq %rdx
      49 c7 c3 0a 00 00 00   movq $0xa, %r11      # no div by immediate
      89 f8                  movl %edi, %eax
      31 d2                  xorl %edx, %edx
      41 f7 f3               divl %r11d
      89 d7                  movl %edx, %edi      # the remainder
      5a                     popq %rdx
      58                     popq %rax
    exit
  `,
  );

  jited(
    "R0 is rax and R3 is rdx: as a destination not saved, as a divisor out of the way first",
    KERNELS,
    {},
    `
    r0 /= r3
      52                     pushq %rdx
      49 89 d3               movq %rdx, %r11
      31 d2                  xorl %edx, %edx
      49 f7 f3               divq %r11
      5a                     popq %rdx
    r3 %= r0
      50                     pushq %rax
      49 89 c3               movq %rax, %r11
      48 89 d0               movq %rdx, %rax
      31 d2                  xorl %edx, %edx
      49 f7 f3               divq %r11
      58                     popq %rax
    exit
  `,
  );

  jited(
    "signed: the sign goes to rdx",
    kernels("6.6"),
    {},
    `
    r0 s/= r1
      52                     pushq %rdx
      48 99                  cqto
      48 f7 ff               idivq %rdi
      5a                     popq %rdx
    w0 s%= w1
      52                     pushq %rdx
      99                     cltd
      f7 ff                  idivl %edi
      89 d0                  movl %edx, %eax
      5a                     popq %rdx
    exit
  `,
  );

  jited(
    "before 5.16 both registers are saved, and everything goes through r11",
    kernels("5.4", "5.17"),
    {},
    `
    r1 /= r5
      50                     pushq %rax
      52                     pushq %rdx
      4d 89 c3               movq %r8, %r11
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx
      49 f7 f3               divq %r11
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    w0 %= 10
      50                     pushq %rax
      52                     pushq %rdx
      49 c7 c3 0a 00 00 00   movq $0xa, %r11
      31 d2                  xorl %edx, %edx
      41 f7 f3               divl %r11d
      49 89 d3               movq %rdx, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 d8               movq %r11, %rax
    exit
  `,
  );

  jited(
    "before 4.16 the JIT guards against 0 itself, and compares 64 bits of a 32-bit divisor",
    "linux-4.10",
    {},
    `
    w1 /= w5
      50                     pushq %rax
      52                     pushq %rdx
      4d 89 c3               movq %r8, %r11
      48 89 f8               movq %rdi, %rax
      31 d2                  xorl %edx, %edx
      49 83 fb 00            cmpq $0x0, %r11
      75 09                  jne L0
      5a                     popq %rdx
      58                     popq %rax
      31 c0                  xorl %eax, %eax      # the program returns 0
      e9 0b 00 00 00         jmp out              # from the epilogue on
      L0:
      41 f7 f3               divl %r11d
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    out:
    exit
  `,
  );
});
