import type { X86Profile } from "../profile.ts";
import { linux61 } from "./linux-6.1.ts";
import { linux612 } from "./linux-6.12.ts";
import { linux618 } from "./linux-6.18.ts";
import { linux72 } from "./linux-7.2.ts";
import { VARIANTS } from "./variants.ts";

/** The kernels, oldest first. A new one is a file beside these and a line here. */
export const PROFILES: readonly X86Profile[] = [linux61, linux612, linux618, linux72];

/** Every name that profileNamed knows: kernels, and each kernel with each variant. */
export function profileNames(): string[] {
  return PROFILES.flatMap((profile) => [
    profile.name,
    ...VARIANTS.filter(({ fits }) => fits?.(profile) ?? true).map((variant) => `${profile.name}+${variant.name}`),
  ]);
}

/** A profile by name: "linux-6.12", with variants as "linux-6.12+mitoff" or "linux-6.12+zen2+harden"; undefined: none. */
export function profileNamed(name: string): X86Profile | undefined {
  const [base, ...variants] = name.split("+");
  let profile = PROFILES.find((candidate) => candidate.name === base);
  for (const wanted of variants) {
    const variant = VARIANTS.find((candidate) => candidate.name === wanted);
    if (!profile || !variant || variant.fits?.(profile) === false) return undefined;
    profile = variant.apply(profile);
  }
  return profile && { ...profile, name };
}

/** The profile of a kernel release such as "6.12.95+deb12-cloud-amd64": the newest that is not newer. */
export function profileForRelease(release: string): X86Profile | undefined {
  const version = versionOf(release);
  return [...PROFILES].reverse().find((profile) => compare(versionOf(profile.name), version) <= 0);
}

function versionOf(text: string): [number, number] {
  const match = /(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}

const compare = (a: [number, number], b: [number, number]): number => a[0] - b[0] || a[1] - b[1];
