import { describe } from "vitest";
import { jited } from "../jited.ts";

const KERNELS_WITH_UDB = ["linux-6.18", "linux-7.2"];

describe("lower/cfi: what stands in front of bpf_func", () => {
  jited(
    "kCFI: the callers compare the hash of what they want to call with what they find 16 bytes in front of it",
    ["linux-6.12+kcfi", "linux-7.2+kcfi"],
    {},
    `
    prologue
      b8 31 7c 2d 5a         movl $0x5a2d7c31, %eax   # cfi_bpf_hash; never executed
      90                     nop                      # 11 of them (CONFIG_CALL_PADDING)
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      90                     nop
      f3 0f 1e fa            endbr64                  # bpf_func
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
    exit
  `,
  );

  jited(
    "FineIBT up to 6.14: the callee compares the hash in r10d, and a wrong one goes to ud2",
    "linux-6.12+fineibt",
    {},
    `
    prologue
      f3 0f 1e fa            endbr64                  # the only place where an indirect branch may land
      41 81 ea 31 7c 2d 5a   subl $0x5a2d7c31, %r10d
      74 07                  je L0                    # over ud2, nop and poison
      0f 0b                  ud2
      90                     nop
      66 0f 1f 00            nopw (%rax)              # bpf_func: poison in place of endbr64
      L0:
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64                  # of tail calls
    exit
  `,
  );

  jited(
    "FineIBT of 6.18: the hash is in eax, and a wrong one goes into the poison, whose last byte is no instruction",
    KERNELS_WITH_UDB.map((name) => `${name}+fineibt`),
    {},
    `
    prologue
      f3 0f 1e fa            endbr64
      2d 31 7c 2d 5a         subl $0x5a2d7c31, %eax
      2e 0f 85 03 00 00 00   jne,pn 0xffffffffc0000013
      0f 1f 40 d6            nopl -0x2a(%rax)         # bpf_func; 16 + 3 is its d6 (#UD)
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
    exit
  `,
  );

  jited(
    "FineIBT+BHI: a thunk compares; it is chosen by the number of arguments: 1 of a main function",
    KERNELS_WITH_UDB.map((name) => `${name}+fineibt-bhi`),
    {},
    `
    prologue
      f3 0f 1e fa            endbr64
      2d 31 7c 2d 5a         subl $0x5a2d7c31, %eax
      2e 2e e8 .. .. .. ..   callq __bhi_args_1
      0f 1f 40 d6            nopl -0x2a(%rax)
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
    exit
  `,
  );

  jited(
    "a subprogram has a hash and a thunk of its own: callbacks take five arguments",
    KERNELS_WITH_UDB.map((name) => `${name}+fineibt-bhi`),
    { isSubprog: true },
    `
    prologue
      f3 0f 1e fa            endbr64
      2d e8 94 6b 1f         subl $0x1f6b94e8, %eax
      2e 2e e8 .. .. .. ..   callq __bhi_args_5
      0f 1f 40 d6            nopl -0x2a(%rax)
      0f 1f 44 00 00         nopl (%rax,%rax)
      0f 1f 00               nopl (%rax)
      55                     pushq %rbp
      48 89 e5               movq %rsp, %rbp
      f3 0f 1e fa            endbr64
    exit
  `,
  );
});
