import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { compareSet, isIdentical } from "../../../../src/import/capture/compare.ts";
import { FIXTURES, openFixture } from "./fixtures.ts";

/** variant, sets, functions, programs whose verifier output the dump shows, trampolines (harden=2 hides them) */
const CAPTURES: [string, number, number, number, number][] = [
  ["x86_64-6.1-default", 609, 1490, 881, 15],
  ["x86_64-6.1-mitoff", 357, 1170, 602, 2],
  ["x86_64-6.1-nobmi2", 355, 1166, 600, 2],
  ["x86_64-6.1-zen2", 355, 1166, 600, 2],
  ["x86_64-6.12-default", 667, 1554, 939, 15],
  ["x86_64-6.12-harden2", 372, 1188, 239, 0],
  ["x86_64-6.12-its", 372, 1185, 617, 2],
  ["x86_64-6.12-lfence", 372, 1185, 617, 2],
  ["x86_64-6.12-mitoff", 374, 1189, 619, 2],
  ["x86_64-6.12-nobmi2", 372, 1183, 617, 2],
  ["x86_64-6.12-stuff", 372, 1185, 617, 2],
  ["x86_64-6.12-zen2", 372, 1185, 617, 2],
  ["x86_64-6.18-default", 376, 1190, 622, 2],
  ["x86_64-7.2-default", 671, 1556, 943, 15],
  ["x86_64-7.2-mitoff", 377, 1191, 623, 2],
  ["x86_64-7.2-nobmi2", 378, 1188, 624, 2],
  ["x86_64-7.2-zen2", 377, 1191, 623, 2],
];

test.each(CAPTURES)(
  "%s: every function, as loaded and with its slots filled, every trampoline, and what the verifier handed over",
  (variant, sets, functions, programs, trampolines) => {
    const { capture, kernel } = openFixture(variant);
    const compared = capture.records.map((record) => compareSet(kernel, record, capture.programs.get(record.set)!));
    const all = compared.flatMap(({ set, functions }) => functions.map((fn) => ({ ...fn, name: `${set} ${fn.name}` })));
    expect({
      errors: compared.filter(({ error }) => error).map(({ set, error }) => `${set}: ${error}`),
      different: all.filter((fn) => !isIdentical(fn)).map(({ name }) => name),
      xlatedDifferent: compared.filter(({ xlated }) => xlated.different).map(({ set }) => set),
      sets: compared.length,
      functions: all.filter(({ trampoline }) => !trampoline).length,
      trampolines: all.filter(({ trampoline }) => trampoline).length,
      programs: compared.reduce((sum, { xlated }) => sum + xlated.same, 0),
    }).toEqual({ errors: [], different: [], xlatedDifferent: [], sets, functions, programs, trampolines });
  },
);

test("no capture of the fixtures is left out", () => {
  const captures = readdirSync(FIXTURES).flatMap((name) => /^(x86_64-.*)\.jsonl\.br$/.exec(name)?.[1] ?? []);
  expect(CAPTURES.map(([variant]) => variant).sort()).toEqual(captures.sort());
});
