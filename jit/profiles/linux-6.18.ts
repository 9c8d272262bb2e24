import type { X86Profile } from "../profile.ts";
import { linux616 } from "./linux-6.16.ts";

export const linux618: X86Profile = {
  ...linux616,
  name: "linux-6.18",
  about: "Linux 6.18, Debian 13 backports: the count is loaded before BPF calls only, private stacks",
  offsets: { maxEntries: 68, ptrs: 304, bpfFunc: 72 },
  percpu: {
    start: 0xffffffff83c13000n,
    symbols: {
      current_task: 0xffffffff83c2b018n,
      call_depth: 0xffffffff83c2b020n,
      this_cpu_off: 0xffffffff83c2b028n,
      cpu_number: 0xffffffff83c2b034n,
    },
  },
  cfi: "udb",
};
