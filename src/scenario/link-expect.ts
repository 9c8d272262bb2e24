import type { RawBreak, RawRun, RawScenario } from "./grammar.ts";
import type { Maps } from "./link-maps.ts";
import type { At, Break, CodeExpectation, Expectation } from "./scenario.ts";
import type { Placed } from "./shape.ts";

const at = <T>(placed: Placed<T> | undefined): At<T> | undefined => placed?.here.at(placed.value);

/** What one run must do, map elements in the maps' own sizes. */
export function linkExpectation(raw: RawRun | undefined, maps: Maps): Expectation {
  const result: Expectation = {
    maps: maps.entries(raw?.maps),
    helpers: (raw?.helpers ?? []).map(([name, calls]) => ({ name, ...calls.here.at(calls.value) })),
    stack: (raw?.stack ?? []).map((entry) => ({
      at: entry.at.here.at(entry.at.value),
      picture: entry.picture.here.at(entry.picture.here.source()),
    })),
  };
  if (raw?.variables) result.variables = maps.variables(raw.variables);
  const single = { r0: raw?.r0, tailCalls: raw?.tail_calls, instructions: raw?.instructions, maxStack: raw?.max_stack };
  for (const [key, placed] of Object.entries(single)) if (placed) Object.assign(result, { [key]: at(placed) });
  return result;
}

type CodeTable = [string, Placed<string>][];

/** Expected xlated and jited texts, a list with one entry for each text. */
export function linkCode(raw: RawScenario["expect"], programs: readonly string[]): CodeExpectation[] {
  const texts = (table: CodeTable) =>
    table.map(([program, { here }]) => {
      if (!programs.includes(program)) here.unknown("program", program, programs);
      return { program, text: here.at(here.source()) };
    });
  return [
    ...(raw?.xlated ?? []).flatMap(([key, entry]) =>
      "here" in entry
        ? texts([[key.value, entry]]).map((one): CodeExpectation => ({ kind: "xlated", ...one }))
        : texts(entry).map((one): CodeExpectation => ({ kind: "xlated", profile: key.value, ...one })),
    ),
    ...(raw?.jited ?? []).flatMap(([profile, table]) =>
      texts(table).map((entry): CodeExpectation => ({ kind: "jited", profile: profile.value, ...entry })),
    ),
  ];
}

/** How one profile (or glob) breaks the contract. It must differ from the expectation, or it would not be a break. */
export function linkBreak([profile, raw]: [Placed<string>, RawBreak], maps: Maps): Break {
  const expect = linkExpectation(raw, maps);
  const checks = (raw.checks ?? []).map(({ here, value }) => here.at(value));
  if (Object.keys(raw).length === 1) profile.here.fail("expected what breaks: checks, tail_calls, r0, maps, ...");
  return { profile: profile.value, checks, expect, ...profile.here.position() };
}
