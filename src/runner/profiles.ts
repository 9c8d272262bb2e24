import { PROFILES, profileNamed } from "../../jit/profiles/index.ts";
import { RFCS } from "../../jit/profiles/rfc.ts";

export { profileNames } from "../../jit/profiles/index.ts";

/**
 * What runs when no profile is asked for: the count by value with all that came of it, the first kernel with a pointer to it, and
 * the newest.
 */
export function defaultProfiles(): string[] {
  return ["linux-6.1", "linux-6.12", PROFILES[PROFILES.length - 1].name];
}

/** Every kernel as it is configured by default. */
export function kernelProfiles(): string[] {
  return PROFILES.map(({ name }) => name);
}

/** Every kernel, and every design that was discussed: what a matrix is about. */
export function allDesigns(): string[] {
  return [...PROFILES, ...RFCS].map(({ name }) => name);
}

/** Whether a name means a profile; "linux-6.12+zen2+harden" does, though profileNames() doesn't list it. */
export function isProfile(name: string): boolean {
  return profileNamed(name) !== undefined;
}
