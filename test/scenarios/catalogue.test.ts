import { describe, expect, test } from "vitest";
import { allDesigns } from "../../src/runner/profiles.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";
import { misformatted } from "./format.ts";
import { catalogue, verdicts } from "./shipped.ts";

/** What happens, without comments and white space: programs, what they are attached to, events. */
const bare = ({ programs, steps, explore }: Scenario): string => {
  const texts = programs.map(({ code, attach }) => {
    const { type, program, function: fn } = attach ?? {};
    return [code.text.replaceAll(/;.*/g, "").replaceAll(/\s/g, ""), type, program, fn].join(" ");
  });
  const events = steps.flatMap((step) => (step.kind === "run" ? (step.events ?? []) : []));
  return JSON.stringify([texts, events.map(({ kind, at }) => [kind, at.value]), explore?.kind]);
};

describe("every scenario", () => {
  test.each(catalogue)("$id is written like the others", ({ text }) => {
    expect(misformatted(text)).toEqual([]);
  });

  test("has a short name in a folder, a title for one line of the matrix, and says what would go wrong", () => {
    for (const { id, title, about } of catalogue) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(id.length, id).toBeLessThanOrEqual(60);
      expect(title, id).toMatch(/^([A-Z0-9]|bpf_).{9,99}[^.]$/);
      expect(about?.trim().length ?? 0, id).toBeGreaterThan(80);
    }
  });

  test("has a title and programs that no other has", () => {
    expect(repeated(catalogue.map(({ title }) => title))).toEqual([]);
    expect(repeated(catalogue.map(bare))).toEqual([]);
  });

  test("expects something of every run", () => {
    const empty = catalogue.filter(({ steps }) =>
      steps.some(
        (step) =>
          step.kind === "run" && step.expect.r0 === undefined && !step.expect.tailCalls && !step.expect.maps.length,
      ),
    );
    expect(empty.map(({ id }) => id)).toEqual([]);
  });
});

const repeated = (all: string[]): string[] => all.filter((one, i) => all.indexOf(one) !== i);

test.each(allDesigns())("%s holds in the whole catalogue, and breaks exactly as declared", async (profile) => {
  const results = await verdicts(catalogue, [profile]);
  const failed = results.filter(({ verdict }) => verdict === "fail");
  expect(failed.map(({ scenario, mismatches, findings }) => ({ scenario, mismatches, findings }))).toEqual([]);
  expect(results).toHaveLength(catalogue.length);
});
