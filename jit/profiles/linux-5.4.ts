import { structs5_4 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";
import { linux410 } from "./linux-4.10.ts";

/** The last 5.4.y: aee194b14dd2 (byte stores) is in. Retpolines are written out whatever the CPU. */
export const linux54: X86Profile = {
  ...linux410,
  name: "linux-5.4",
  about: "Linux 5.4: the count in a fixed place of a 512-byte frame, inline retpolines",
  design: "stack-slot",
  offsets: offsetsOf(structs5_4),
  percpu: { start: 0n, symbols: { this_cpu_off: 0x11358n, cpu_number: 0x11360n, current_task: 0x17d00n } },
  mitigationsOff: { ret: "plain", indirectJump: "inline-retpoline" },
  features: {
    ...linux410.features,
    maxPasses: 20,
    indirectJump: "inline-retpoline",
    accumulatorForm: true,
    imm64: "unsigned",
    multiply: "save-others",
    divide: "save-both",
    shiftByOne: true,
    skbLoads: false,
    byteStoreSlip: false,
  },
};
