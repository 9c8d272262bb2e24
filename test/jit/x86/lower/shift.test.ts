import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/shift", () => {
  jited(
    "by immediate: a form of its own for one",
    [...kernels("5.4"), "linux-7.2+nobmi2"],
    {},
    `
    r1 <<= 1
      48 d1 e7          shlq %rdi
    w5 >>= 1
      41 d1 e8          shrl %r8d
    r1 s>>= 63
      48 c1 ff 3f       sarq $0x3f, %rdi
    w1 <<= 0
      c1 e7 00          shll $0x0, %edi
    exit
  `,
  );

  jited(
    "by register, with BMI2: one instruction, unless the count is in rcx anyway",
    kernels("6.6"),
    {},
    `
    r1 <<= r2
      c4 e2 c9 f7 ff    shlxq %rsi, %rdi, %rdi
    w5 >>= w6
      c4 42 63 f7 c0    shrxl %ebx, %r8d, %r8d
    r9 s>>= r7
      c4 42 92 f7 ff    sarxq %r13, %r15, %r15
    r4 <<= r2
      c4 e2 c9 f7 c9    shlxq %rsi, %rcx, %rcx
    r1 <<= r4
      48 d3 e7          shlq %cl, %rdi
    exit
  `,
  );

  jited(
    "by register, without: through cl, and rcx is given back",
    ["linux-6.1", "linux-6.12+nobmi2"],
    {},
    `
    r1 <<= r2
      51                pushq %rcx
      48 89 f1          movq %rsi, %rcx
      48 d3 e7          shlq %cl, %rdi
      59                popq %rcx
    w5 s>>= w4
      41 d3 f8          sarl %cl, %r8d            # R4 lives in rcx
    exit
  `,
  );

  jited(
    "rcx itself is shifted in r11: that is its value then, whatever is pushed",
    "linux-6.12+nobmi2",
    {},
    `
    r4 <<= r2
      49 89 cb          movq %rcx, %r11
      48 89 f1          movq %rsi, %rcx
      49 d3 e3          shlq %cl, %r11
      4c 89 d9          movq %r11, %rcx
    r4 <<= r4
      48 d3 e1          shlq %cl, %rcx
    exit
  `,
  );

  jited(
    "which up to 6.1 is pushed nonetheless",
    "linux-6.1",
    {},
    `
    r4 <<= r2
      49 89 cb          movq %rcx, %r11
      51                pushq %rcx
      48 89 f1          movq %rsi, %rcx
      49 d3 e3          shlq %cl, %r11
      59                popq %rcx
      4c 89 d9          movq %r11, %rcx
    r4 <<= r4
      49 89 cb          movq %rcx, %r11
      49 d3 e3          shlq %cl, %r11
      4c 89 d9          movq %r11, %rcx
    exit
  `,
  );
});
