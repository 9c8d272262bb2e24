import type { Finding } from "../../checks/finding.ts";

/** A tail call that was taken: `state` is where its callee is about to execute. */
export interface TailCall {
  state: number;
  /** address of the jump */
  from: bigint;
  callee: string;
  run: number;
}

/** A broken contract: `noticed` is the state in which a check said so. */
export interface Noticed {
  finding: Finding;
  noticed: number;
}

/** How a run ended. */
export interface RunEnd {
  run: number;
  program: string;
  /** its last state */
  state: number;
  /** undefined: it did not return */
  r0: bigint | undefined;
}

/** What is worth going to in a recording, each list in order. */
export interface Marks {
  tailCalls: TailCall[];
  /** states of tail calls that were tried and not taken */
  refused: number[];
  findings: Noticed[];
  ends: RunEnd[];
}
