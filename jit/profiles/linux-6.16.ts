import { structs6_16 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";
import { linux612 } from "./linux-6.12.ts";

/** As Debian configured it. */
export const linux616: X86Profile = {
  ...linux612,
  name: "linux-6.16",
  about: "Linux 6.16: the count is loaded before BPF calls only, private stacks, per-CPU addresses in the kernel image",
  countBeforeKernelCalls: false,
  offsets: offsetsOf(structs6_16),
  percpu: {
    start: 0xffffffff83a10000n,
    symbols: {
      current_task: 0xffffffff83a28018n,
      call_depth: 0xffffffff83a28020n,
      this_cpu_off: 0xffffffff83a28028n,
      cpu_number: 0xffffffff83a28034n,
    },
  },
  cfi: "ea",
};
