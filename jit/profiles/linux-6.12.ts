import type { X86Profile } from "../profile.ts";
import { linux61 } from "./linux-6.1.ts";

export const linux612: X86Profile = {
  ...linux61,
  name: "linux-6.12",
  about: "Linux 6.12, Debian 12 backports: retpolines, IBT, tail_call_cnt_ptr",
  design: "tcc-ptr",
  offsets: { maxEntries: 36, ptrs: 264, bpfFunc: 48 },
  percpu: {
    start: 0n,
    symbols: {
      this_cpu_off: 0x19a18n,
      pcpu_hot: 0x35000n,
      current_task: 0x35000n,
      cpu_number: 0x3500cn,
      call_depth: 0x35010n,
    },
  },
  features: {
    ...linux61.features,
    ibt: true,
    bmi2: true,
    signedImm64: true,
    shiftRcxLean: true,
    probeMem: "vsyscall",
    percpuRexSlip: true,
    callThunks: ["htab_map_update_elem"],
  },
};
