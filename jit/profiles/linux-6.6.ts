import { structs6_6 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";
import { trampoline66 } from "../x86/trampoline/features.ts";
import { linux61 } from "./linux-6.1.ts";

/** A late 6.6.y: b599d7d26d6a (PROBE_MEM) and c8831bdbfbab (short jumps) are in. */
export const linux66: X86Profile = {
  ...linux61,
  name: "linux-6.6",
  about: "Linux 6.6: IBT, BMI2 shifts, call depth accounting; the count by value",
  trampoline: trampoline66,
  offsets: offsetsOf(structs6_6),
  percpu: {
    start: 0n,
    symbols: {
      this_cpu_off: 0x19a08n,
      pcpu_hot: 0x34000n,
      current_task: 0x34000n,
      cpu_number: 0x3400cn,
      call_depth: 0x34010n,
    },
  },
  features: {
    ...linux61.features,
    ibt: true,
    bmi2: true,
    shiftRcxLean: true,
    probeMem: "vsyscall",
    callThunks: ["htab_map_update_elem"],
  },
};
