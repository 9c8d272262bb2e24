import { type KernelFeatures, kernels, withStructs } from "../../../bpf/verifier/index.ts";
import { profileForRelease } from "../../../jit/profiles/index.ts";
import { UserError } from "../../error.ts";
import type { KernelRecord } from "./format.ts";

/** What the verifier of a captured kernel does: that of its release, on this kernel's structures. */
export function captureFeatures(kernel: KernelRecord, file: string): KernelFeatures {
  const profile = profileForRelease(kernel.release);
  const base = profile && kernels[profile.name];
  if (!base) throw new UserError(`no verifier is known for kernel ${kernel.release}`, { file });
  return {
    ...base,
    structs: withStructs(base.structs, kernel.btf?.structs ?? {}),
    options: { ...base.options, blinding: kernel.options.jit_harden === 2 },
  };
}
