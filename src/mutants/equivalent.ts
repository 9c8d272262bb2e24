import type { Mutant } from "./mutant.ts";

/** Mutants that no program can tell from the JIT as it is, and why; each reason can be checked. */
export interface Equivalence {
  /** of the mutant's profile, site and operator */
  profile?: RegExp;
  site: RegExp;
  operator: RegExp;
  reason: string;
}

export const EQUIVALENCES: readonly Equivalence[] = [];

export const reasonFor = ({
  profile,
  site,
  operator,
}: Pick<Mutant, "profile" | "site" | "operator">): string | undefined =>
  EQUIVALENCES.find((one) => (one.profile?.test(profile) ?? true) && one.site.test(site) && one.operator.test(operator))
    ?.reason;
