import type { Checkpoint } from "../../../emulator/checkpoint.ts";
import type { Stop } from "../../../emulator/engine.ts";

/**
 * A stretch of a recording in which one thread executes instruction after instruction: from where the kernel enters a program, or goes
 * on with it, to where it returns, is interrupted, or faults. State `first` is the one before its first instruction.
 */
export interface Piece {
  /** which run of the scenario it belongs to, from 1, and the program that was entered */
  run: number;
  program: string;
  first: number;
  /** instructions of the run that were executed before the piece */
  icount: number;
  /** instructions in it */
  length: number;
  /** CPU (low 32 bits) and task (high 32 bits) */
  tag: bigint;
  stop: Stop;
  /** the state behind its last instruction is one of its own: the next piece doesn't begin with it */
  showsEnd: boolean;
  /** in order of offset, in instructions from the piece's first; there is one at 0 */
  checkpoints: { offset: number; checkpoint: Checkpoint }[];
  /** registers of the other threads that are under way, by tag */
  waiting: ReadonlyMap<bigint, BigUint64Array>;
}

/** How many states the piece has. */
export const statesOf = ({ length, showsEnd }: Piece): number => length + (showsEnd ? 1 : 0);
