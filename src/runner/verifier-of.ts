import { type KernelFeatures, kernels } from "../../bpf/verifier/index.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { UserError } from "../error.ts";

/** The verifier of a profile's kernel. Throws UserError. */
export function verifierOf(profile: X86Profile): KernelFeatures {
  const features = kernels[kernelOf(profile)];
  if (!features) throw new UserError(`no verifier is known for ${profile.name}`);
  return {
    ...features,
    ...(profile.structs ? { structs: profile.structs } : {}),
    ...inlining(profile),
    fastcall: fastcall(features, profile),
    options: { ...features.options, blinding: profile.harden ?? false },
  };
}

/** What the JIT inlines the verifier leaves to it. */
function inlining({ inlines }: X86Profile): Partial<KernelFeatures> {
  if (!inlines) return {};
  return { cpuNumber: null, currentTask: null, jitInlines: inlines.map(({ helper }) => helper.replace(/^bpf_/, "")) };
}

function fastcall(kernel: KernelFeatures, profile: X86Profile): KernelFeatures["fastcall"] {
  if (!kernel.fastcall || profile.fastcall === null) return null;
  return { ...kernel.fastcall, ...profile.fastcall };
}
