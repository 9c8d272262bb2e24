import { RSP } from "../../emulator/engine.ts";

/** An access to memory; values of up to 8 bytes, little endian. */
export interface MemoryAccess {
  pc: bigint;
  address: bigint;
  /** bytes */
  size: number;
  write: boolean;
  old: bigint;
  now: bigint;
}

/** The state before an instruction. */
export interface SnippetStep {
  pc: bigint;
  flags: bigint;
  /** rax to r15 */
  registers: BigUint64Array;
}

/**
 * How a run ended. end: behind the last byte; return: to who called it; away: somewhere else; budget: it was still running. `pc`: the
 * instruction that could not be done.
 */
export type SnippetEnd =
  | { kind: "end" | "return" | "budget" }
  | { kind: "away"; pc: bigint }
  | { kind: "fault"; pc: bigint; access: "read" | "write" | "fetch"; address: bigint; size: number }
  | { kind: "exception"; pc: bigint; vector: number };

/** What a snippet did. */
export interface SnippetRun {
  /** rax to r15, rip, rflags, gs base */
  before: BigUint64Array;
  after: BigUint64Array;
  instructions: number;
  /** the first ones */
  steps: SnippetStep[];
  accesses: MemoryAccess[];
  end: SnippetEnd;
}

/** rbx, rbp, r12 to r15: what a function gives back as it found it */
const CALLEE_SAVED: readonly number[] = [3, 5, 12, 13, 14, 15];

/** A run held against the System V ABI. */
export interface AbiVerdict {
  /** register numbers that it changed, and may */
  scratched: number[];
  /** register numbers that it changed, and that its caller expects back */
  lost: number[];
  /** bytes that rsp is above where it was; a return adds 8 by itself and is not counted */
  rsp: bigint;
}

/** What a snippet did to the registers, as its caller sees it. */
export function againstAbi({ before, after, end }: SnippetRun): AbiVerdict {
  const changed = Array.from({ length: 16 }, (_, reg) => reg).filter((reg) => before[reg] !== after[reg]);
  const popped = end.kind === "return" ? 8n : 0n;
  return {
    scratched: changed.filter((reg) => !CALLEE_SAVED.includes(reg) && reg !== RSP),
    lost: changed.filter((reg) => CALLEE_SAVED.includes(reg)),
    rsp: BigInt.asIntN(64, after[RSP] - before[RSP] - popped),
  };
}

/** A function came back, and broke what every function promises; or it could not go on. */
export function isBroken(run: SnippetRun): boolean {
  const { lost, rsp } = againstAbi(run);
  if (run.end.kind === "return") return lost.length > 0 || rsp !== 0n;
  return run.end.kind !== "end";
}
