import type { Runnable } from "./runnable.ts";

/** Why a program could not go on. */
export type FaultReason =
  /** an access where nothing is mapped */
  | "memory"
  /** an opcode or a combination of fields that means nothing */
  | "opcode"
  /** control left the program */
  | "jump"
  /** more than 8 frames */
  | "depth"
  /** a helper that is not there */
  | "helper";

export interface Fault {
  reason: FaultReason;
  message: string;
  /** the program it happened in, which after a tail call is not the one that was started */
  program: Runnable;
  /** slot of the instruction */
  slot: number;
}

/** Thrown where an instruction cannot be executed; the interpreter adds program and slot. */
export class ExecutionFault extends Error {
  override readonly name = "ExecutionFault";
  readonly reason: FaultReason;

  constructor(reason: FaultReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export const badOpcode = (code: number): ExecutionFault =>
  new ExecutionFault("opcode", `opcode 0x${code.toString(16).padStart(2, "0")} means nothing with these fields`);
