import type { RunResult } from "../../runner/result.ts";
import type { Outcome } from "../../runner/session.ts";

/** A run of a dumped function as a result, for the reporters. */
export function dumpResult(file: string, entry: string, profile: string, outcome: Outcome, ms: number): RunResult {
  const { r0, tailCalls, instructions, maxStack, findings } = outcome;
  return {
    scenario: entry,
    title: outcomeText(outcome),
    file,
    profile,
    verdict: findings.length ? "fail" : "pass",
    ...(r0 === undefined ? {} : { r0 }),
    tailCalls,
    instructions,
    maxStack,
    findings,
    mismatches: [],
    ms,
  };
}

const plural = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${count === 1 || count === 1n ? "" : "s"}`;

/** "returns 1, 33 tail calls, 612 instructions, 3440 bytes of stack" */
export function outcomeText({ r0, tailCalls, instructions, maxStack, findings }: Outcome): string {
  const end = r0 === undefined ? "does not return" : `returns ${r0 < 1n << 32n ? r0 : `0x${r0.toString(16)}`}`;
  const parts = [
    end,
    plural(tailCalls, "tail call"),
    plural(instructions, "instruction"),
    `${maxStack} bytes of stack`,
  ];
  return `${parts.join(", ")}${findings.length ? "" : ": every contract holds"}`;
}
