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

/** pass, breaks or fail: what broke must be what the scenario says breaks, no more and no less. */
export function judge(
  { outcome, findings, mismatches, explored }: StepsOutcome,
  declared: Break | undefined,
): Pick<
  RunResult,
  "verdict" | "r0" | "tailCalls" | "instructions" | "maxStack" | "findings" | "mismatches" | "explored"
> {
  const found = new Set(findings.map(({ check }) => check));
  const missing = (declared?.checks ?? []).filter(({ value }) => !found.has(value));
  const wrong = [
    ...mismatches,
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
  const failed = wrong.length > 0 || undeclared.length > 0;
  return {
    verdict: failed ? "fail" : declared ? "breaks" : "pass",
    ...(outcome?.r0 === undefined ? {} : { r0: outcome.r0 }),
    tailCalls: outcome?.tailCalls ?? 0n,
    instructions: outcome?.instructions ?? 0,
    maxStack: outcome?.maxStack ?? 0,
    findings,
    mismatches: wrong,
    ...(explored ? { explored } : {}),
  };
}
