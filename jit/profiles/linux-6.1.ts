import type { X86Profile } from "../profile.ts";
import { trampoline61 } from "../x86/trampoline/features.ts";
import { linux517 } from "./linux-5.17.ts";

/** Debian 12's kernel; later 6.1.y have 123 as the limit of short jumps, too. */
export const linux61: X86Profile = {
  ...linux517,
  name: "linux-6.1",
  about: "Linux 6.1, Debian 12: retpolines, tail-call count by value",
  design: "rax-value",
  trampoline: trampoline61,
  offsets: { maxEntries: 36, ptrs: 272, bpfFunc: 48 },
  percpu: { start: 0n, symbols: { this_cpu_off: 0x19168n, cpu_number: 0x19160n, current_task: 0x1fb80n } },
  mitigationsOff: { ret: "int3", indirectJump: "int3" },
  features: { ...linux517.features, ret: "int3", shortJumpMax: 123, taskSizeMax: (1n << 56n) - 4096n },
};
