import { describe } from "vitest";
import { jited } from "../jited.ts";

const MAIN = { tailCallReachable: true };
const SUB = { tailCallReachable: true, isSubprog: true };

describe("percpu (series v2): calls of C functions, at the same place in every function", () => {
  jited(
    "a main program",
    "rfc-percpu-v2+mitoff",
    MAIN,
    `
      prologue
        f3 0f 1e fa        endbr64
        0f 1f 44 00 00     nopl (%rax,%rax)
        e8 .. .. .. ..     callq bpf_tail_call_cnt_prepare
        55                 pushq %rbp
        48 89 e5           movq %rsp, %rbp
        f3 0f 1e fa        endbr64                # 14 + ENDBR: tail calls land here, behind the call
    `,
  );
  jited(
    "a tail call",
    "rfc-percpu-v2+mitoff",
    SUB,
    `
      tail_call
        89 d2              movl %edx, %edx
        39 56 24           cmpl %edx, 0x24(%rsi)
        76 22              jbe L0
        e8 .. .. .. ..     callq bpf_tail_call_cnt_fetch_and_inc  # rdi, rsi and rdx are live, and C may use them
        83 f8 21           cmpl $0x21, %eax
        73 18              jae L0
        48 8b 8c d6 08 01 00 00   movq 0x108(%rsi,%rdx,8), %rcx
        48 85 c9           testq %rcx, %rcx
        74 0b              je L0
        48 8b 49 30        movq 0x30(%rcx), %rcx
        48 83 c1 12        addq $0x12, %rcx
        ff e1              jmpq *%rcx
        cc                 int3
      L0: exit
    `,
  );
});

describe("task-call (series v3): a u32 in task_struct", () => {
  jited(
    "a subprogram starts no count, and is entered at the same offset",
    "rfc-task-struct-v3+mitoff",
    SUB,
    `
      prologue
        f3 0f 1e fa        endbr64
        0f 1f 44 00 00     nopl (%rax,%rax)
        0f 1f 44 00 00     nopl (%rax,%rax)       # where a main program calls bpf_tail_call_cnt_init
        55                 pushq %rbp
        48 89 e5           movq %rsp, %rbp
        f3 0f 1e fa        endbr64
    `,
  );
  jited(
    "a tail call counts before it knows whether the slot is empty",
    "rfc-task-struct-v3+mitoff",
    SUB,
    `
      tail_call
        89 d2              movl %edx, %edx
        39 56 24           cmpl %edx, 0x24(%rsi)
        76 24              jbe L0
        e8 .. .. .. ..     callq bpf_tail_call_cnt_ptr
        83 38 21           cmpl $0x21, (%rax)
        73 1a              jae L0
        ff 00              incl (%rax)
        48 8b 8c d6 08 01 00 00   movq 0x108(%rsi,%rdx,8), %rcx
        48 85 c9           testq %rcx, %rcx
        74 0b              je L0
        48 8b 49 30        movq 0x30(%rcx), %rcx
        48 83 c1 12        addq $0x12, %rcx       # 14 + ENDBR
        ff e1              jmpq *%rcx
        cc                 int3
      L0: exit
    `,
  );
});

describe("task-inline: the same, through gs in line; no register but rax", () => {
  jited(
    "with CONFIG_SMP",
    "rfc-task-inline+mitoff",
    MAIN,
    `
      prologue
        f3 0f 1e fa                  endbr64
        0f 1f 44 00 00               nopl (%rax,%rax)
        48 c7 c0 00 50 03 00         movq $0x35000, %rax       # &pcpu_hot.current_task
        65 48 03 04 25 18 9a 01 00   addq %gs:0x19a18, %rax    # this_cpu_off
        48 8b 00                     movq (%rax), %rax
        48 05 00 2e 00 00            addq $0x2e00, %rax        # offsetof(struct task_struct, bpf_tail_call_cnt)
        c7 00 00 00 00 00            movl $0x0, (%rax)
        55                           pushq %rbp
        48 89 e5                     movq %rsp, %rbp
        f3 0f 1e fa                  endbr64
    `,
  );
  jited(
    "without CONFIG_SMP",
    "rfc-task-inline+up+mitoff",
    MAIN,
    `
      prologue
        f3 0f 1e fa                  endbr64
        0f 1f 44 00 00               nopl (%rax,%rax)
        48 c7 c0 00 50 43 83         movq $-0x7cbcb000, %rax   # pcpu_hot is where its symbol says
        48 8b 00                     movq (%rax), %rax
        48 05 00 2e 00 00            addq $0x2e00, %rax
        c7 00 00 00 00 00            movl $0x0, (%rax)
        55                           pushq %rbp
        48 89 e5                     movq %rsp, %rbp
        f3 0f 1e fa                  endbr64
    `,
  );
});

describe("verifier-percpu: the JIT only starts the count and jumps", () => {
  jited(
    "a main program",
    "rfc-verifier-percpu+mitoff",
    MAIN,
    `
      prologue
        f3 0f 1e fa                  endbr64
        0f 1f 44 00 00               nopl (%rax,%rax)
        65 c7 04 25 00 33 03 00 00 00 00 00   movl $0x0, %gs:0x33300
        55                           pushq %rbp
        48 89 e5                     movq %rsp, %rbp
        f3 0f 1e fa                  endbr64
    `,
  );
  jited(
    "a tail call, behind the instructions that count",
    "rfc-verifier-percpu+mitoff",
    SUB,
    `
      tail_call
        89 d2              movl %edx, %edx
        39 56 24           cmpl %edx, 0x24(%rsi)
        76 18              jbe L0
        48 8b 8c d6 08 01 00 00   movq 0x108(%rsi,%rdx,8), %rcx
        48 85 c9           testq %rcx, %rcx
        74 0b              je L0
        48 8b 49 30        movq 0x30(%rcx), %rcx
        48 83 c1 19        addq $0x19, %rcx
        ff e1              jmpq *%rcx
        cc                 int3
      L0: exit
    `,
  );
});

describe("run-ctx (series v4): a dispatcher hands over { context, tail_call_cnt_ptr } as the context", () => {
  jited(
    "a main program takes both out",
    "rfc-run-ctx-v4+mitoff",
    MAIN,
    `
      prologue
        f3 0f 1e fa        endbr64
        0f 1f 44 00 00     nopl (%rax,%rax)
        48 8b 47 08        movq 0x8(%rdi), %rax
        48 8b 3f           movq (%rdi), %rdi
        55                 pushq %rbp
        48 89 e5           movq %rsp, %rbp
        f3 0f 1e fa        endbr64                # 16 + ENDBR
        50                 pushq %rax
    `,
  );
  jited(
    "a subprogram gets the pointer in rax",
    "rfc-run-ctx-v4+mitoff",
    SUB,
    `
      prologue
        f3 0f 1e fa              endbr64
        0f 1f 44 00 00           nopl (%rax,%rax)
        0f 1f 80 00 00 00 00     nopl (%rax)      # nop7
        55                       pushq %rbp
        48 89 e5                 movq %rsp, %rbp
        f3 0f 1e fa              endbr64
        50                       pushq %rax
    `,
  );
});
