import type { Finding } from "../checks/finding.ts";
import type { ProgramOutcome, RunOutcome } from "./outcome.ts";

/** A profile does not do what the interpreter does, or breaks a contract. */
export interface Disagreement {
  profile: string;
  /** what differs: r0, tail calls, maps, limit, a contract's name, or refused or error where it could not be run */
  what: string;
  /** index of the step it was seen at, -1: in the maps at the end */
  step: number;
  expected: string;
  actual: string;
  finding?: Finding;
}

type Difference = Omit<Disagreement, "profile">;

/** The first difference between what the interpreter and a machine made of a program. */
export function difference(reference: ProgramOutcome, machine: ProgramOutcome): Difference | undefined {
  for (const [i, expected] of reference.runs.entries()) {
    const actual = machine.runs[i];
    if (!actual) return { what: "limit", step: expected.step, expected: "a run", actual: "an end in an earlier run" };
    const found = runDifference(expected, actual);
    if (found) return found;
  }
  const at = reference.maps.findIndex((line, i) => line !== machine.maps[i]);
  if (at >= 0 || machine.maps.length !== reference.maps.length)
    return {
      what: "maps",
      step: -1,
      expected: reference.maps[at] ?? "nothing more",
      actual: machine.maps[at] ?? "nothing",
    };
  return undefined;
}

function runDifference(expected: RunOutcome, actual: RunOutcome): Difference | undefined {
  const { step } = expected;
  const finding = actual.findings.find(({ check }) => check !== "tail-call-limit" || !expected.isPastLimit);
  if (finding) return { what: finding.check, step, expected: finding.expected, actual: finding.actual, finding };
  const differ = (what: string, a: string, b: string): Difference | undefined =>
    a === b ? undefined : { what, step, expected: a, actual: b };
  return (
    differ("limit", String(expected.isPastLimit), String(actual.isPastLimit)) ??
    differ("r0", String(expected.r0), String(actual.r0)) ??
    differ("tail-calls", String(expected.tailCalls), String(actual.tailCalls))
  );
}
