import type { Finding } from "../checks/finding.ts";
import type { Story } from "./story.ts";

/**
 * pass: all expectations hold and no contract is broken. breaks: broken exactly as the scenario's `breaks` says.
 * fail: anything else. skip: the scenario doesn't apply to the profile (`reason` says why).
 */
export type Verdict = "pass" | "breaks" | "fail" | "skip";

/** An expectation of the scenario that did not come true, with its place in the file. */
export interface Mismatch {
  /** dotted path of the expectation, e.g. "expect.maps.counter.0" */
  path: string;
  expected: string;
  actual: string;
  /** 1-based; 0 where the file doesn't mention it */
  line: number;
  column: number;
}

/** One scenario on one profile. */
export interface RunResult {
  /** path under the catalogue without .yaml, e.g. "hierarchy/two-calls" */
  scenario: string;
  title: string;
  /** file as it was named or found, for reports */
  file: string;
  profile: string;
  /** the profile has a bug of the gallery */
  story?: Story;
  verdict: Verdict;
  reason?: string;
  /** r0 of the last run, unsigned; undefined when it did not return */
  r0?: bigint;
  tailCalls: bigint;
  instructions: number;
  /** bytes of kernel stack in use at the deepest point */
  maxStack: number;
  /** an event was tried at every instruction: how often, and how often something broke */
  explored?: { points: number; broken: number; ms: number };
  findings: Finding[];
  mismatches: Mismatch[];
  ms: number;
}
