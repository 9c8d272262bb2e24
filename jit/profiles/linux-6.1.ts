import type { X86Profile } from "../profile.ts";

/** Debian 12's kernel; later 6.1.y have 123 as the limit of short jumps, too. */
export const linux61: X86Profile = {
  name: "linux-6.1",
  isa: "x86-64",
  about: "Linux 6.1, Debian 12: retpolines, tail-call count by value",
  design: "rax-value",
  countBeforeKernelCalls: true,
  offsets: { maxEntries: 36, ptrs: 272, bpfFunc: 48 },
  percpu: { start: 0n, symbols: { this_cpu_off: 0x19168n, cpu_number: 0x19160n, current_task: 0x1fb80n } },
  features: {
    ibt: false,
    patchSite: true,
    bmi2: false,
    ret: "int3",
    indirectJump: { thunk: "__x86_indirect_thunk" },
    signedImm64: false,
    shiftRcxLean: false,
    shortJumpMax: 123,
    probeMem: "limit",
    taskSizeMax: (1n << 56n) - 4096n,
    lockXchg: true,
    percpuRexSlip: false,
    callThunks: [],
  },
};
