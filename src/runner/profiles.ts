import { PROFILES, profileNamed, profileNames } from "../../jit/profiles/index.ts";

/** Every profile that has a line of its own: kernels, and each kernel with each variant ("linux-6.12+mitoff"). */
export { profileNames };

/** What runs when no profile is asked for: the kernels. */
export function defaultProfiles(): string[] {
  return PROFILES.map(({ name }) => name);
}

/** Whether a name means a profile; "linux-6.12+zen2+harden" does, though profileNames() doesn't list it. */
export function isProfile(name: string): boolean {
  return profileNamed(name) !== undefined;
}
