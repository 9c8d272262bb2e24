import { kernelOf } from "../profile.ts";
import type { Bug } from "../x86/bugs/bug.ts";
import { BUGS } from "../x86/bugs/index.ts";
import type { Variant } from "./variants.ts";

/** What the names of profiles with a bug of the gallery have in common: "linux-5.4+bug-index-64". */
const PREFIX = "bug-";

const sentence = ({ about, fixed }: Pick<Bug, "about" | "fixed">): string =>
  fixed ? `${about} Fixed by ${fixed}.` : about;

const asVariant = ({ name, kernel, fits, apply, ...bug }: Bug): Variant => ({
  name: PREFIX + name,
  unlisted: true,
  about: sentence(bug),
  fits: (profile) => kernelOf(profile) === kernel && (fits?.(profile.features) ?? true),
  apply: (profile) => ({ ...apply(profile), bug: sentence(bug), kernel: kernelOf(profile) }),
});

/** The bugs as variants of the kernels that they are put into. profileNames() leaves them out: they are for scenarios that name them. */
export const BUG_VARIANTS: readonly Variant[] = BUGS.map(asVariant);
