import { structs5_17 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";
import { trampoline517 } from "../x86/trampoline/features.ts";
import { linux510 } from "./linux-5.10.ts";

/** As Debian built it with gcc 11, which knows no -mharden-sls: no int3 behind ret. */
export const linux517: X86Profile = {
  ...linux510,
  name: "linux-5.17",
  about: "Linux 5.17: retpoline thunks, imul, jump padding; the count by value",
  design: "rax-value-5.17",
  trampoline: trampoline517,
  offsets: offsetsOf(structs5_17),
  percpu: { start: 0n, symbols: { this_cpu_off: 0x16130n, cpu_number: 0x16128n, current_task: 0x1cbc0n } },
  mitigationsOff: { ret: "plain", indirectJump: "plain" },
  features: {
    ...linux510.features,
    jumpPadding: true,
    indirectJump: { thunk: "__x86_indirect_thunk" },
    multiply: "imul",
    divide: "save-others",
    probeMem: "limit",
  },
};
