import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/frame: BPF stack and callee-saved registers", () => {
  jited(
    "a function that uses neither has rbp for a frame",
    "linux-6.1",
    {},
    `
    prologue
      0f 1f 44 00 00         nopl (%rax,%rax)
      66 90                  nop
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
    exit
      c9                     leave
      c3                     retq
      cc                     int3
  `,
  );

  for (const [stackDepth, imm] of [
    [1, "08 00 00 00   subq $0x8, %rsp"],
    [8, "08 00 00 00   subq $0x8, %rsp"],
    [9, "10 00 00 00   subq $0x10, %rsp"],
    [512, "00 02 00 00   subq $0x200, %rsp"],
  ] as const)
    jited(
      `${stackDepth} bytes of BPF stack, in quadwords, by an imm32 in any case`,
      "linux-6.1",
      { stackDepth },
      `
      prologue
        0f 1f 44 00 00       nopl (%rax,%rax)
        66 90                nop
        55                   pushq %rbp
        48 89 e5             movq %rsp, %rbp
        48 81 ec ${imm}
      exit
    `,
    );

  jited(
    "the registers of R6 to R9 that are named, as source or destination, are pushed from R6 on and popped from R9 on",
    ["linux-6.1", "linux-6.12+mitoff"],
    {},
    `
    r9 = r1                  # written
    r0 = r7                  # only read
    exit
      41 5f                  popq %r15              # R9
      41 5d                  popq %r13              # R7
      c9                     leave
      c3                     retq
      cc                     int3
  `,
  );

  jited(
    "all four, below stack and count",
    "linux-6.12",
    { stackDepth: 8, tailCallReachable: true, isSubprog: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
      48 81 ec 08 00 00 00   subq $0x8, %rsp
      50                     pushq %rax             # tail_call_cnt_ptr
      50                     pushq %rax
      53                     pushq %rbx             # R6
      41 55                  pushq %r13             # R7
      41 56                  pushq %r14             # R8
      41 57                  pushq %r15             # R9
    r6 = r7
    r8 = r9
    exit
  `,
  );

  jited(
    "a function that may throw saves r12 and all of them, whatever it uses: the callback finds them at fixed places",
    kernels("6.12"),
    { exceptionBoundary: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
      41 54                  pushq %r12
      53                     pushq %rbx
      41 55                  pushq %r13
      41 56                  pushq %r14
      41 57                  pushq %r15
    exit
      41 5f                  popq %r15
      41 5e                  popq %r14
      41 5d                  popq %r13
      5b                     popq %rbx
      41 5c                  popq %r12
      c9                     leave
      c3                     retq
      cc                     int3
  `,
  );

  jited(
    "the exception callback takes over the thrower's main frame and what it saved",
    kernels("6.12"),
    { exceptionCallback: true, isSubprog: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      48 89 f4               movq %rsi, %rsp        # R2: the main function's rsp
      48 89 d5               movq %rdx, %rbp        # R3: its rbp
      41 5f                  popq %r15
      41 5e                  popq %r14
      41 5d                  popq %r13
      5b                     popq %rbx
      41 5c                  popq %r12
      48 89 ec               movq %rbp, %rsp        # the frame is empty; leave returns from the main function
      f3 0f 1e fa            endbr64
    exit
      c9                     leave
      c3                     retq
      cc                     int3
  `,
  );

  jited(
    "a program made from classic BPF has no place for a count: nothing tail-calls it",
    "linux-6.12",
    { classic: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      0f 1f 44 00 00         nopl (%rax,%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
    exit
  `,
  );
});
