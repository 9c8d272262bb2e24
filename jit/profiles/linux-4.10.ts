import { structs4_10 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";

/** As Ubuntu 17.04 configured it. Every profile after this one says what its kernel does otherwise. */
export const linux410: X86Profile = {
  name: "linux-4.10",
  isa: "x86-64",
  about: "Linux 4.10: one frame for all programs, the count in it; packets are loaded by the JIT",
  design: "stack-slot-4.10",
  countBeforeKernelCalls: true,
  offsets: offsetsOf(structs4_10),
  percpu: { start: 0n, symbols: { this_cpu_off: 0xb158n, cpu_number: 0xb160n, current_task: 0xb9c0n } },
  mitigationsOff: { ret: "plain", indirectJump: "plain" },
  features: {
    ibt: false,
    patchSite: false,
    maxPasses: 10,
    jumpPadding: false,
    shortJumpMax: 127,
    ret: "plain",
    indirectJump: "plain",
    callThunks: [],
    clearBhbLoop: false,
    ibhf: false,
    accumulatorForm: false,
    testZero: false,
    imm64: "movabs",
    multiply: "save-both",
    divide: "guarded",
    shiftByOne: false,
    bmi2: false,
    shiftRcxLean: false,
    skbLoads: true,
    byteStoreSlip: true,
    probeMem: "unchecked",
    taskSizeMax: (1n << 47n) - 4096n,
    lockXchg: true,
    percpuRexSlip: false,
  },
};
