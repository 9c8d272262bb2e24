import { describe, expect, test } from "vitest";
import { Numbers } from "./mutate.ts";
import { survive, TARGETS } from "./parsers.ts";

// `node tools/mutations.mjs` does the same with 10,000 inputs for each parser.
const INPUTS = 300;

describe.each(TARGETS)("$name, damaged", (target) => {
  test("is accepted, or refused with what is wrong: no other error, no end of memory", () => {
    const inputs = INPUTS / (target.slow ?? 1);
    const counts = { accepted: 0, refused: 0 };
    for (let seed = 0; seed < inputs; seed++) counts[survive(target, new Numbers(seed))]++;
    // both happen: the damage is neither too little nor all that is looked at
    expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(inputs / 50);
  });
});
