import type { Mutant } from "./mutant.ts";

/** Mutants that no program can tell from the JIT as it is, and why; each reason can be checked. */
export interface Equivalence {
  /** of the mutant's profile, site and operator */
  profile?: RegExp;
  site: RegExp;
  operator: RegExp;
  reason: string;
}

/** Of mutants whose instructions disassemble to the same words everywhere. */
export const SAME_WORDS = "another encoding of the same instruction";

export const EQUIVALENCES: readonly Equivalence[] = [
  {
    site: /: xorl r32, r32 \(31\)/,
    operator: /^REX\.W set$/,
    reason: "a register xor itself is 0 in all 64 bits, in either width",
  },
  {
    site: /^load (8|16): movz/,
    operator: /^no REX\.W$/,
    reason: "movzx to 32 bits clears the upper half, too",
  },
  {
    site: /^(bswap|end [bl]e) 16: movzwl/,
    operator: /^REX\.W set$/,
    reason: "movzx to 32 bits clears the upper half, too",
  },
  {
    site: /^(bswap|end be) 16: rorw/,
    operator: /^rol for ror$/,
    reason: "16 bits turned by 8 are the same to the left and to the right",
  },
  {
    site: /^s?(div|mod)32 (reg|imm): movq (\$N|r64), r64/,
    operator: /^no REX\.W$/,
    reason: "a 32-bit division reads the lower half of the divisor only",
  },
  {
    site: /^j(eq|ne)(32|64) reg: cmp/,
    operator: /^operands exchanged$/,
    reason: "equality has no order",
  },
  {
    site: /^jlt(32|64) imm: test/,
    operator: /^(another register( or base)?|cmp for test|no REX\.?[WRB]?)$/,
    reason: "nothing unsigned is below 0: a test and a comparison of equals clear the carry, whatever is tested",
  },
];

export const reasonFor = ({
  profile,
  site,
  operator,
}: Pick<Mutant, "profile" | "site" | "operator">): string | undefined =>
  EQUIVALENCES.find((one) => (one.profile?.test(profile) ?? true) && one.site.test(site) && one.operator.test(operator))
    ?.reason;
