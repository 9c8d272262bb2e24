import { describe } from "vitest";
import {
  BPF_TRAMP_F_CALL_ORIG,
  BPF_TRAMP_F_IP_ARG,
  BPF_TRAMP_F_RESTORE_REGS,
  BPF_TRAMP_F_SKIP_FRAME,
} from "../../../../jit/trampoline.ts";
import { link, trampoline } from "./trampoline.ts";

// __arch_prepare_bpf_trampoline() of each release, for a function with one argument.

const FENTRY = { links: { fentry: [link(1)] } };
const FEXIT = { flags: BPF_TRAMP_F_CALL_ORIG | BPF_TRAMP_F_SKIP_FRAME, links: { fexit: [link(1)] } };

describe("fentry: save the argument, call the program between enter and exit, restore, go on", () => {
  trampoline(
    "5.10 hands enter nothing, and asks nothing of it",
    "linux-5.10",
    FENTRY,
    `
    55                             pushq %rbp
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 08                    subq $0x8, %rsp                     # one argument
    53                             pushq %rbx                          # below it: bytes -0x10
    48 89 7d f8                    movq %rdi, -0x8(%rbp)
    e8 .. .. .. ..                 callq __bpf_prog_enter
    48 89 c3                       movq %rax, %rbx                     # start time
    48 8d 7d f8                    leaq -0x8(%rbp), %rdi               # the program's context
    e8 .. .. .. ..                 callq program_1
    48 bf 00 10 00 00 00 c9 ff ff  movabsq $0xffffc90000001000, %rdi   # struct bpf_prog
    48 89 de                       movq %rbx, %rsi
    e8 .. .. .. ..                 callq __bpf_prog_exit
    48 8b 7d f8                    movq -0x8(%rbp), %rdi
    5b                             popq %rbx
    c9                             leave
    c3                             retq                                # behind the patch site
    `,
  );
  trampoline(
    "5.17 has the program run only if it is not running; in front of the arguments lies how many they are",
    "linux-5.17",
    FENTRY,
    `
    55                             pushq %rbp
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 10                    subq $0x10, %rsp
    53                             pushq %rbx
    b8 01 00 00 00                 movl $0x1, %eax
    48 89 45 f0                    movq %rax, -0x10(%rbp)
    48 89 7d f8                    movq %rdi, -0x8(%rbp)
    48 bf 00 10 00 00 00 c9 ff ff  movabsq $0xffffc90000001000, %rdi
    e8 .. .. .. ..                 callq __bpf_prog_enter
    48 89 c3                       movq %rax, %rbx
    48 85 c0                       testq %rax, %rax
    74 09                          je +54                              # over lea and call
    48 8d 7d f8                    leaq -0x8(%rbp), %rdi
    e8 .. .. .. ..                 callq program_1
    48 bf 00 10 00 00 00 c9 ff ff  movabsq $0xffffc90000001000, %rdi   # +54
    48 89 de                       movq %rbx, %rsi
    e8 .. .. .. ..                 callq __bpf_prog_exit
    48 8b 7d f8                    movq -0x8(%rbp), %rdi
    5b                             popq %rbx
    c9                             leave
    c3                             retq
    `,
  );
  trampoline(
    "6.1: a run context with the cookie, 0 without one",
    "linux-6.1",
    FENTRY,
    `
    ..
    48 83 ec 20                    subq $0x20, %rsp                    # argument, count, 16 of bpf_tramp_run_ctx
    53                             pushq %rbx
    ..
    31 ff                          xorl %edi, %edi                     # bpf_cookie
    48 89 7d e0                    movq %rdi, -0x20(%rbp)
    48 bf 00 10 00 00 00 c9 ff ff  movabsq $0xffffc90000001000, %rdi
    48 8d 75 e0                    leaq -0x20(%rbp), %rsi
    e8 .. .. .. ..                 callq __bpf_prog_enter_recur
    ..
    48 8d 55 e0                    leaq -0x20(%rbp), %rdx
    e8 .. .. .. ..                 callq __bpf_prog_exit_recur
    ..
    `,
  );
  trampoline(
    "6.6: rbx has a place in the frame; where the CPU has IBT an endbr64 comes first",
    "linux-6.6",
    FENTRY,
    `
    f3 0f 1e fa                    endbr64
    55                             pushq %rbp
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 28                    subq $0x28, %rsp
    48 89 5d e8                    movq %rbx, -0x18(%rbp)
    ..
    48 8b 5d e8                    movq -0x18(%rbp), %rbx
    c9                             leave
    c3                             retq
    cc                             int3
    `,
  );
  trampoline(
    "7.2: each program behind a nop that can become a jump over it",
    "linux-7.2",
    { links: { fentry: [link(1), link(2)] } },
    `
    55                             pushq %rbp                          # no endbr64: it is called directly
    ..
    0f 1f 44 00 00                 nopl (%rax,%rax)
    31 ff                          xorl %edi, %edi
    ..
    e8 .. .. .. ..                 callq program_1
    ..
    0f 1f 44 00 00                 nopl (%rax,%rax)
    31 ff                          xorl %edi, %edi
    ..
    e8 .. .. .. ..                 callq program_2
    ..
    `,
  );
});

describe("fexit: call the function, keep its result, return it to the function's caller", () => {
  trampoline(
    "5.10",
    "linux-5.10",
    FEXIT,
    `
    55                             pushq %rbp                          # rax still holds the count, as nothing was called
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 10                    subq $0x10, %rsp                    # the result at -8, the argument at -0x10
    53                             pushq %rbx
    48 89 7d f0                    movq %rdi, -0x10(%rbp)
    e8 .. .. .. ..                 callq traced+9                      # behind its patch site
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    e8 .. .. .. ..                 callq __bpf_prog_enter
    48 89 c3                       movq %rax, %rbx
    48 8d 7d f0                    leaq -0x10(%rbp), %rdi
    e8 .. .. .. ..                 callq program_1
    ..
    48 8b 45 f8                    movq -0x8(%rbp), %rax
    5b                             popq %rbx
    c9                             leave
    48 83 c4 08                    addq $0x8, %rsp                     # over the return address to behind the patch site
    c3                             retq
    `,
  );
  trampoline(
    "6.12 holds on to its image, and has a way out for those inside once it is replaced",
    "linux-6.12",
    FEXIT,
    `
    55                             pushq %rbp
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 30                    subq $0x30, %rsp
    48 89 5d e0                    movq %rbx, -0x20(%rbp)
    b8 01 00 00 00                 movl $0x1, %eax
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    48 89 7d f0                    movq %rdi, -0x10(%rbp)
    48 bf 00 01 00 00 81 88 ff ff  movabsq $0xffff888100000100, %rdi   # struct bpf_tramp_image
    e8 .. .. .. ..                 callq __bpf_tramp_enter
    48 8b 7d f0                    movq -0x10(%rbp), %rdi
    e8 .. .. .. ..                 callq traced+9
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    0f 1f 44 00 00                 nopl (%rax,%rax)                    # ip_after_call
    31 ff                          xorl %edi, %edi
    ..
    e8 .. .. .. ..                 callq __bpf_prog_exit_recur
    48 bf 00 01 00 00 81 88 ff ff  movabsq $0xffff888100000100, %rdi   # ip_epilogue
    e8 .. .. .. ..                 callq __bpf_tramp_exit
    48 8b 45 f8                    movq -0x8(%rbp), %rax
    48 8b 5d e0                    movq -0x20(%rbp), %rbx
    c9                             leave
    48 83 c4 08                    addq $0x8, %rsp
    c3                             retq
    cc                             int3
    `,
  );
  trampoline(
    "7.2 is jumped to: there is no return address to skip",
    "linux-7.2",
    { ...FEXIT, flags: BPF_TRAMP_F_CALL_ORIG },
    `
    ..
    e8 .. .. .. ..                 callq traced+9
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    0f 1f 44 00 00                 nopl (%rax,%rax)                    # the program's
    31 ff                          xorl %edi, %edi
    ..
    48 8b 5d e0                    movq -0x20(%rbp), %rbx
    c9                             leave
    c3                             retq
    cc                             int3
    `,
  );
});

describe("mitigations", () => {
  trampoline(
    "call depth accounting: the call to here counts, and each that it makes",
    "linux-6.12+stuff",
    { flags: BPF_TRAMP_F_CALL_ORIG | BPF_TRAMP_F_SKIP_FRAME },
    `
    65 48 c1 3d .. .. .. .. 05     sarq $0x5, %gs:0x40034007(%rip)
    55                             pushq %rbp
    ..
    65 48 c1 3d .. .. .. .. 05     sarq $0x5, %gs:0x40033fdb(%rip)
    e8 .. .. .. ..                 callq __bpf_tramp_enter
    48 8b 7d f0                    movq -0x10(%rbp), %rdi
    65 48 c1 3d .. .. .. .. 05     sarq $0x5, %gs:0x40033fc9(%rip)
    e8 .. .. .. ..                 callq traced+9
    ..
    48 83 c4 08                    addq $0x8, %rsp
    e9 .. .. .. ..                 jmp call_depth_return_thunk
    `,
  );
  trampoline(
    "returns through a thunk",
    "linux-6.12+zen2",
    FENTRY,
    `
    ..
    c9                             leave
    e9 .. .. .. ..                 jmp srso_return_thunk
    `,
  );
});

describe("bpf_get_func_ip: the function's address between the arguments' count and what is saved", () => {
  const IP = { ...FENTRY, flags: BPF_TRAMP_F_RESTORE_REGS | BPF_TRAMP_F_IP_ARG };
  trampoline(
    "5.17 takes it from the return address",
    "linux-5.17",
    IP,
    `
    ..
    48 8b 45 08                    movq 0x8(%rbp), %rax
    48 83 e8 05                    subq $0x5, %rax                     # X86_PATCH_SIZE
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    ..
    `,
  );
  trampoline(
    "6.12 knows it",
    "linux-6.12",
    IP,
    `
    ..
    48 89 5d e0                    movq %rbx, -0x20(%rbp)             # behind it
    ..
    48 c7 c0 .. .. .. ..           movq $-0x7f000000, %rax
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    ..
    `,
  );
});
