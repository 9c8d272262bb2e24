import { structs5_10 } from "../../bpf/verifier/kernels/structs-older.ts";
import { offsetsOf } from "../offsets.ts";
import type { X86Profile } from "../profile.ts";
import { trampoline510 } from "../x86/trampoline/features.ts";
import { linux54 } from "./linux-5.4.ts";

/** The first 5.10.y, as Debian 11 configured it. */
export const linux510: X86Profile = {
  ...linux54,
  name: "linux-5.10",
  about: "Linux 5.10: the count by value in eax, tail calls from subprograms, inline retpolines",
  design: "rax-value-5.10",
  trampoline: trampoline510,
  offsets: offsetsOf(structs5_10),
  percpu: { start: 0n, symbols: { this_cpu_off: 0x15958n, cpu_number: 0x15950n, current_task: 0x1bbc0n } },
  features: { ...linux54.features, patchSite: true, testZero: true },
};
