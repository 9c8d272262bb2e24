import { describe, expect, test } from "vitest";
import { kernelProfiles, profileNames } from "../../src/runner/profiles.ts";
import { catalogue, verdicts } from "./shipped.ts";

/** Mitigations change bytes, not meaning: one scenario of each kind, some of which break on 6.1. */
const HANDFUL = [
  "basics/shift-with-rcx",
  "callbacks/loop-with-either-callback",
  "callee-saved/three-each",
  "hierarchy/two-calls",
  "mixes/callee-with-subprograms",
  "poke/install-replace-delete",
  "tail-calls/cycle-of-three",
  "tail-calls/empty-slot-spends-nothing-indirect",
];

describe("a kernel's variants judge as the kernel does", () => {
  test.each(kernelProfiles())("%s", async (base) => {
    const variants = profileNames().filter((name) => name.startsWith(`${base}+`));
    for (const scenario of catalogue.filter(({ id }) => HANDFUL.includes(id))) {
      const [plain, ...varied] = await verdicts([scenario], [base, ...variants]);
      expect(plain.verdict, scenario.id).not.toBe("fail");
      const wanted = variants.map((profile) => [scenario.id, profile, plain.verdict, plain.r0, plain.tailCalls]);
      expect(varied.map((one) => [one.scenario, one.profile, one.verdict, one.r0, one.tailCalls])).toEqual(wanted);
    }
  });
});
