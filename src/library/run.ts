import type { Finding } from "../checks/finding.ts";

/** Registers by name, from rax to r15. */
export type Registers = Readonly<Record<string, bigint>>;

/** What a run of a program came to. Everything is there at once, or found out by running it again, which is the same. */
export interface Run {
  /** PROGRAM on PROFILE */
  readonly name: string;
  /** what the program returned, unsigned; undefined: it did not, see findings */
  readonly r0: bigint | undefined;
  /** taken; a run is ended at the first one past 33 */
  readonly tailCalls: bigint;
  /** machine instructions that executed */
  readonly instructions: number;
  /** bytes of kernel stack in use at the deepest point */
  readonly maxStack: number;
  /** calls of kernel functions by symbol */
  readonly calls: ReadonlyMap<string, number>;
  /** broken contracts, first to last; empty: all hold */
  readonly findings: readonly Finding[];
  readonly before: Registers;
  /** when the program returned, or could not go on */
  readonly after: Registers;
  /**
   * The stack at a moment of the run, as `jitproof trace --stack` draws it: "tail call 1", "FUNCTION:2", "instruction 100" (see the
   * guide). Undefined: the run never gets there. Throws UserError for what is no moment.
   */
  stackAt(moment: string): string | undefined;
  /** A map's value afterwards, as the unsigned integer that its bytes spell; a program's name; undefined: no such element. */
  read(map: string, key: number | bigint): bigint | string | undefined;
}
