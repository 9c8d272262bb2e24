import type { X86Profile } from "../profile.ts";
import { trampoline68 } from "../x86/trampoline/features.ts";
import { linux66 } from "./linux-6.6.ts";

export const linux612: X86Profile = {
  ...linux66,
  name: "linux-6.12",
  about: "Linux 6.12, Debian 12 backports: retpolines, IBT, tail_call_cnt_ptr",
  design: "tcc-ptr",
  trampoline: trampoline68,
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
  cfi: "ud2",
  features: { ...linux66.features, imm64: "signed", percpuRexSlip: true },
};
