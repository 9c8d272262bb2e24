import type { X86Profile } from "../profile.ts";
import { linux618 } from "./linux-6.18.ts";

export const linux72: X86Profile = {
  ...linux618,
  name: "linux-7.2",
  about: "Linux 7.2, Debian unstable: xchg without lock",
  offsets: { maxEntries: 76, ptrs: 304, bpfFunc: 72 },
  features: { ...linux618.features, lockXchg: false, percpuRexSlip: false },
};
