import { type KernelFeatures, kernels } from "../../bpf/verifier/index.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { UserError } from "../error.ts";

/** The verifier of a profile's kernel. Throws UserError. */
export function verifierOf(profile: X86Profile): KernelFeatures {
  const features = kernels[kernelOf(profile)];
  if (!features) throw new UserError(`no verifier is known for ${profile.name}`);
  return { ...features, options: { ...features.options, blinding: profile.harden ?? false } };
}
