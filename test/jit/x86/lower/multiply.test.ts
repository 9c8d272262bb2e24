import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/multiply", () => {
  jited(
    "imul since 5.16: any registers, and immediates as they are",
    kernels("5.17"),
    {},
    `
    r1 *= r5
      49 0f af f8            imulq %r8, %rdi
    w5 *= w1
      44 0f af c7            imull %edi, %r8d
    r0 *= 7
      48 6b c0 07            imulq $0x7, %rax, %rax
    w9 *= 1000
      45 69 ff e8 03 00 00   imull $0x3e8, %r15d, %r15d
    exit
  `,
  );

  jited(
    "before: mul of rax, which is saved unless it is the destination, and so is rdx",
    kernels("5.4", "5.17"),
    {},
    `
    r1 *= r5
      50                     pushq %rax
      52                     pushq %rdx
      49 89 fb               movq %rdi, %r11
      4c 89 c0               movq %r8, %rax
      49 f7 e3               mulq %r11
      5a                     popq %rdx
      48 89 c7               movq %rax, %rdi
      58                     popq %rax
    w0 *= 7
      52                     pushq %rdx
      49 89 c3               movq %rax, %r11
      b8 07 00 00 00         movl $0x7, %eax
      41 f7 e3               mull %r11d
      5a                     popq %rdx
    r3 *= r0
      50                     pushq %rax
      49 89 d3               movq %rdx, %r11
      49 f7 e3               mulq %r11            # rax is the other factor already
      48 89 c2               movq %rax, %rdx
      58                     popq %rax
    exit
  `,
  );

  jited(
    "4.10 saves both and goes through r11 in any case",
    "linux-4.10",
    {},
    `
    r1 *= r5
      50                     pushq %rax
      52                     pushq %rdx
      49 89 fb               movq %rdi, %r11
      4c 89 c0               movq %r8, %rax
      49 f7 e3               mulq %r11
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 df               movq %r11, %rdi
    w0 *= 7
      50                     pushq %rax
      52                     pushq %rdx
      49 89 c3               movq %rax, %r11
      48 c7 c0 07 00 00 00   movq $0x7, %rax
      41 f7 e3               mull %r11d
      49 89 c3               movq %rax, %r11
      5a                     popq %rdx
      58                     popq %rax
      4c 89 d8               movq %r11, %rax
    exit
  `,
  );
});
