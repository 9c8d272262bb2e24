import type { X86Profile } from "../profile.ts";
import { linux612 } from "./linux-6.12.ts";

/** Where struct task_struct's and the CPUs' counts are: nothing of a kernel is there. */
const COUNT = { bpf_tail_call_cnt: 0x33300n };

/** A design of the discussion on the kernel that came out of it, without what was merged. */
const onLinux612 = (name: string, design: string, about: string, more: Partial<X86Profile> = {}): X86Profile => ({
  ...linux612,
  ...more,
  name,
  about,
  design,
  kernel: linux612.name,
  countBeforeKernelCalls: true,
  percpu: { ...linux612.percpu, symbols: { ...linux612.percpu.symbols, ...COUNT } },
});

/** "must have been lucky that CI is not showing crashes": a compiler may use R1 to R5's registers in a C function. */
const SCRATCHING = { breaks: "arguments" };

/** The designs that were proposed for the tail-call hierarchy of 2024 and not merged, in the order in which they came. */
export const RFCS: readonly X86Profile[] = [
  onLinux612("rfc-percpu-v2", "percpu", "series v2: a per-CPU count"),
  onLinux612(
    "rfc-task-struct-v3",
    "task-call",
    "series v3: a count in task_struct, fetched by C functions",
    SCRATCHING,
  ),
  onLinux612("rfc-task-clobber", "task-clobber", "review of v3: the C functions with a clobber list", SCRATCHING),
  onLinux612("rfc-task-naked", "task-naked", "review of v3: naked functions that use rax only"),
  onLinux612("rfc-task-inline", "task-inline", "review of v3: the count in task_struct, reached in line"),
  onLinux612("rfc-verifier-percpu", "verifier-percpu", "review of v3: the verifier emits the check"),
  onLinux612("rfc-run-ctx-v4", "run-ctx", "series v4: a pointer to the count in front of the context"),
];
