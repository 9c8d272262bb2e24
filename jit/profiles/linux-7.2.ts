import type { X86Profile } from "../profile.ts";
import { trampoline72 } from "../x86/trampoline/features.ts";
import { linux618 } from "./linux-6.18.ts";

export const linux72: X86Profile = {
  ...linux618,
  name: "linux-7.2",
  about: "Linux 7.2, Debian unstable: xchg without lock, trampolines that are jumped to",
  trampoline: trampoline72,
  offsets: { maxEntries: 76, ptrs: 304, bpfFunc: 72 },
  percpu: {
    start: 0xffffffff83da5000n,
    symbols: {
      current_task: 0xffffffff83dbd018n,
      call_depth: 0xffffffff83dbd020n,
      this_cpu_off: 0xffffffff83dbd028n,
      cpu_number: 0xffffffff83dbd034n,
    },
  },
  features: { ...linux618.features, lockXchg: false, percpuRexSlip: false },
};
