/** One fault of one site of the JIT: (site, operator), wherever the site emits. */
export interface Mutant {
  profile: string;
  /** "place: form", see sites.ts */
  site: string;
  operator: string;
  /** the first place where it shows */
  sample: Sample;
}

export interface Sample {
  scenario: string;
  function: string;
  /** bytes from the function's start */
  offset: number;
  /** hex, and disassembled; undefined: the fault is in no bytes */
  before?: [hex: string, text: string];
  after?: [hex: string, text: string];
}

/** What became of a mutant. */
export interface MutantResult extends Mutant {
  verdict: "killed" | "survived" | "equivalent";
  /** scenario whose verdict it changed */
  killedBy?: string;
  /** equivalent: why */
  reason?: string;
  /** survived: scenarios that execute the site, at most three; none: no scenario gets there */
  reachedBy?: string[];
  /** survived: what a scenario would have to look at */
  notice?: string;
}

/** "atomic64 add: lock addq r64, N(r64) (01) · no prefix" */
export const mutantName = ({ site, operator }: Pick<Mutant, "site" | "operator">): string => `${site} · ${operator}`;
