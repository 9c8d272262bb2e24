import type { Fault } from "./fault.ts";
import type { Runnable } from "./runnable.ts";

/** How a run ended, and what it took. */
export type Outcome = {
  instructions: number;
  /** taken, not attempted */
  tailCalls: number;
} & (
  | { kind: "exit"; r0: bigint }
  /** it took all the instructions it may; the one at `slot` would have been next */
  | { kind: "budget"; program: Runnable; slot: number }
  | { kind: "fault"; fault: Fault }
);
