import type { Finding } from "../checks/finding.ts";
import type { Break } from "../scenario/scenario.ts";
import type { Mismatch, RunResult } from "./result.ts";
import type { Outcome } from "./session.ts";

/** What all steps of a scenario came to. */
export interface StepsOutcome {
  /** of the last run */
  outcome: Outcome | undefined;
  findings: Finding[];
  mismatches: Mismatch[];
  explored?: RunResult["explored"];
}

/**
 * pass, breaks or fail: what broke must be what the scenario says breaks, no more and no less. Where it says nothing, a profile whose
 * design is known to break a contract in whatever it runs may do so; what follows from that is not held against it.
 */
export function judge(
  { outcome, findings, mismatches, explored }: StepsOutcome,
  declared: Break | undefined,
  known?: string,
): Pick<
  RunResult,
  "verdict" | "r0" | "tailCalls" | "instructions" | "maxStack" | "findings" | "mismatches" | "explored"
> {
  const asKnown =
    known !== undefined && findings[0]?.check === known && !declared?.checks.some(({ value }) => value === known);
  const found = new Set(findings.map(({ check }) => check));
  const missing = (asKnown ? [] : (declared?.checks ?? [])).filter(({ value }) => !found.has(value));
  const wrong = [
    ...(asKnown ? [] : mismatches),
    ...missing.map(
      ({ value, path, line, column }): Mismatch => ({
        path,
        expected: `${value} is broken`,
        actual: "it holds",
        line,
        column,
      }),
    ),
  ];
  const undeclared = findings.filter(({ check }) => !declared?.checks.some(({ value }) => value === check));
  const failed = wrong.length > 0 || (undeclared.length > 0 && !asKnown);
  return {
    verdict: failed ? "fail" : declared || asKnown ? "breaks" : "pass",
    ...(outcome?.r0 === undefined ? {} : { r0: outcome.r0 }),
    tailCalls: outcome?.tailCalls ?? 0n,
    instructions: outcome?.instructions ?? 0,
    maxStack: outcome?.maxStack ?? 0,
    findings,
    mismatches: wrong,
    ...(explored ? { explored } : {}),
  };
}
