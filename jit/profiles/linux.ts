import type { X86Profile } from "../profile.ts";
import type { Features } from "../x86/features.ts";

/** 5-level page tables: (1 << 56) - PAGE_SIZE */
const TASK_SIZE_LA57 = (1n << 56n) - 4096n;

const debian61: Features = {
  ibt: false,
  bmi2: false,
  ret: "int3",
  indirectJump: { thunk: "__x86_indirect_thunk" },
  signedImm64: false,
  shiftRcxLean: false,
  shortJumpMax: 123,
  probeMem: "limit",
  taskSizeMax: TASK_SIZE_LA57,
  lockXchg: true,
  percpuRexSlip: false,
};

export const linux61: X86Profile = {
  name: "linux-6.1",
  isa: "x86-64",
  about: "Linux 6.1 as Debian 12 builds it, retpolines",
  design: "rax-value",
  countBeforeKernelCalls: true,
  offsets: { maxEntries: 36, ptrs: 272, bpfFunc: 48 },
  features: debian61,
};

export const linux612: X86Profile = {
  name: "linux-6.12",
  isa: "x86-64",
  about: "Linux 6.12 as Debian builds it, retpolines",
  design: "tcc-ptr",
  countBeforeKernelCalls: true,
  offsets: { maxEntries: 36, ptrs: 264, bpfFunc: 48 },
  features: {
    ...debian61,
    ibt: true,
    bmi2: true,
    signedImm64: true,
    shiftRcxLean: true,
    shortJumpMax: 123,
    probeMem: "vsyscall",
    percpuRexSlip: true,
  },
};
