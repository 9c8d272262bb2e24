import type { BtfStructs } from "../../bpf/verifier/structs.ts";
import { withOffsets } from "../../jit/offsets.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";

/** Where a kernel has its structs' members and its per-CPU variables, by its BTF; plain data, a thread can have it. */
export interface KernelOffsets {
  /** layouts for each kernel whose profile they replace, as far as that one needs them */
  structs: Record<string, BtfStructs>;
  /** bytes from the start of the per-CPU section */
  percpu: Record<string, number>;
}

/** The profile on the kernel that these offsets are from. */
export function withKernelOffsets(profile: X86Profile, offsets: KernelOffsets | undefined): X86Profile {
  const structs = offsets?.structs[kernelOf(profile)];
  if (!structs) return profile;
  const { start, symbols } = profile.percpu;
  const known = Object.entries(offsets.percpu).filter(([name]) => name in symbols);
  const moved = Object.fromEntries(known.map(([name, offset]) => [name, start + BigInt(offset)]));
  return { ...withOffsets(profile, structs), structs, percpu: { start, symbols: { ...symbols, ...moved } } };
}
