import type { X86Profile } from "../profile.ts";
import { BUG_VARIANTS } from "./bugs.ts";
import { linux410 } from "./linux-4.10.ts";
import { linux54 } from "./linux-5.4.ts";
import { linux510 } from "./linux-5.10.ts";
import { linux517 } from "./linux-5.17.ts";
import { linux61 } from "./linux-6.1.ts";
import { linux66 } from "./linux-6.6.ts";
import { linux612 } from "./linux-6.12.ts";
import { linux616 } from "./linux-6.16.ts";
import { linux618 } from "./linux-6.18.ts";
import { linux72 } from "./linux-7.2.ts";
import { compareReleases, releaseOf } from "./release.ts";
import { RFCS } from "./rfc.ts";
import { VARIANTS } from "./variants.ts";

/** The kernels, oldest first. A new one is a file beside these and a line here. */
export const PROFILES: readonly X86Profile[] = [
  linux410,
  linux54,
  linux510,
  linux517,
  linux61,
  linux66,
  linux612,
  linux616,
  linux618,
  linux72,
];

/** Kernels and proposals, and each with each variant that is listed; profileNamed() also knows those with several, and with a bug. */
export function profileNames(): string[] {
  return [...PROFILES, ...RFCS].flatMap((profile) => [
    profile.name,
    ...VARIANTS.filter(({ fits, unlisted }) => !unlisted && (fits?.(profile) ?? true)).map(
      (variant) => `${profile.name}+${variant.name}`,
    ),
  ]);
}

/** A profile by name: "linux-6.12", with variants as "linux-6.12+mitoff" or "linux-6.12+zen2+harden"; undefined: none. */
export function profileNamed(name: string): X86Profile | undefined {
  const [base, ...variants] = name.split("+");
  let profile = [...PROFILES, ...RFCS].find((candidate) => candidate.name === base);
  for (const wanted of variants) {
    const variant = [...VARIANTS, ...BUG_VARIANTS].find((candidate) => candidate.name === wanted);
    if (!profile || !variant || variant.fits?.(profile) === false) return undefined;
    profile = variant.apply(profile);
  }
  return profile && { ...profile, name };
}

/** The profile of a kernel release such as "6.12.95+deb12-cloud-amd64": the newest that is not newer. */
export function profileForRelease(release: string): X86Profile | undefined {
  const wanted = releaseOf(release);
  return [...PROFILES].reverse().find(({ name }) => compareReleases(releaseOf(name), wanted) <= 0);
}
