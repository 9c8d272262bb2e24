import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

const KERNELS = kernels();

describe("lower/call", () => {
  jited(
    "a helper, a kfunc and a BPF function are all called the same way",
    KERNELS,
    {},
    `
    call bpf_get_prandom_u32
      e8 .. .. .. ..   callq bpf_get_prandom_u32
    call kfunc bpf_dynptr_size
      e8 .. .. .. ..   callq bpf_dynptr_size
    call pc+1
      e8 .. .. .. ..   callq subprog
    exit
  `,
  );

  jited(
    "on a private stack r9 is no callee-saved register, so it is kept over every call",
    "linux-6.18",
    { privateStack: 0x600000001000n, stackDepth: 64 },
    `
    call bpf_get_prandom_u32
      41 51            pushq %r9
      e8 .. .. .. ..   callq bpf_get_prandom_u32
      41 59            popq %r9
    call pc+1
      41 51            pushq %r9
      e8 .. .. .. ..   callq subprog
      41 59            popq %r9
    exit
  `,
  );

  jited(
    "with retbleed=stuff every call is counted, between the count's load and the call",
    "linux-6.12+stuff",
    { tailCallReachable: true },
    `
    call bpf_get_prandom_u32
      48 8b 85 f0 ff ff ff         movq -0x10(%rbp), %rax
      65 48 c1 3d .. .. .. .. 05   sarq $0x5, %gs:0x35010(%rip)     # pcpu_hot.call_depth, rip-relative
      e8 .. .. .. ..               callq bpf_get_prandom_u32
    call pc+1
      48 8b 85 f0 ff ff ff         movq -0x10(%rbp), %rax
      65 48 c1 3d .. .. .. .. 05   sarq $0x5, %gs:0x35010(%rip)
      e8 .. .. .. ..               callq subprog
    exit
  `,
  );

  jited(
    "and behind the push of r9",
    "linux-6.18+stuff",
    { privateStack: 0x600000001000n, stackDepth: 64 },
    `
    call bpf_get_prandom_u32
      41 51                        pushq %r9
      65 48 c1 3d .. .. .. .. 05   sarq $0x5, %gs:0xffffffff83c2b020(%rip)
      e8 .. .. .. ..               callq bpf_get_prandom_u32
      41 59                        popq %r9
    exit
  `,
  );

  jited(
    "but a function that other kernel code calls directly counts for itself (is_callthunk)",
    "linux-6.12+stuff",
    {},
    `
    call kfunc htab_map_update_elem
      e8 .. .. .. ..               callq htab_map_update_elem
    exit
  `,
  );
});
