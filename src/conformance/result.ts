import type { RunResult } from "../runner/result.ts";

/** One case on one kernel's JIT, or in the interpreter (profile "interpreter"). */
export interface ConformanceResult extends RunResult {
  /** machine code was run; false: refused as it should be, or left to the interpreter, as the kernel would do */
  jited: boolean;
  /** the expected result is what a big-endian CPU computes; ours was held against the interpreter's */
  bigEndian?: boolean;
  /** the program was made with a stub for a random generator; its numbers were put in again */
  repaired?: boolean;
}

export const INTERPRETER = "interpreter";

/** What a result has before anything has run. */
export const nothingRun = () => ({ tailCalls: 0n, instructions: 0, maxStack: 0, findings: [], mismatches: [] });

export const hex = (value: bigint): string => `0x${value.toString(16)}`;
