import type { X86Profile } from "../../profile.ts";
import type { Features } from "../features.ts";

/** A bug that a kernel's JIT had once, put back into a kernel that is rid of it: `linux-5.4+bug-index-64`. */
export interface Bug {
  /** as in the profile's name, behind "bug-" */
  name: string;
  /** the kernel's JIT that it is put into: one of the first without it, or the last that is like those with it */
  kernel: string;
  /** what the JIT did, and what came of it: one sentence */
  about: string;
  /** commit that ended it, and the release; undefined: nothing has */
  fixed?: string;
  /** the CPU or the mitigations that it takes; default: any */
  fits?(features: Features): boolean;
  apply(profile: X86Profile): X86Profile;
}

/** The profile with other features. */
export const withFeatures = (profile: X86Profile, features: Partial<Features>): X86Profile => ({
  ...profile,
  features: { ...profile.features, ...features },
});

/** The profile with parts of its tail-call design replaced. */
export const withDesign = (
  profile: X86Profile,
  design: NonNullable<X86Profile["deviation"]>["design"],
): X86Profile => ({
  ...profile,
  deviation: { ...profile.deviation, design: { ...profile.deviation?.design, ...design } },
});

/** The profile with emitters replaced. */
export const withLowerings = (
  profile: X86Profile,
  lowerings: NonNullable<X86Profile["deviation"]>["lowerings"],
): X86Profile => ({
  ...profile,
  deviation: { ...profile.deviation, lowerings: { ...profile.deviation?.lowerings, ...lowerings } },
});
