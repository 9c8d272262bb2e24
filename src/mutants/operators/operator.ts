import type { Encoding } from "../encoding.ts";

/** A machine instruction where it stands. */
export interface Spot extends Encoding {
  /** offset in bytes in the function, and where the instructions around it start and end */
  offset: number;
  /** offsets at which machine instructions of the function start */
  starts: readonly number[];
  /** which of them it is */
  index: number;
  /** the bytes of the next instruction, where the two run one after the other */
  next?: Uint8Array;
}

/** One kind of fault. What it makes of an instruction is as long as the instruction (and the next one, where it takes part). */
export interface Operator {
  /** what is wrong then: "lost", "imm + 1" */
  name: string;
  /** what a scenario must look at to notice it */
  notice: string;
  /** undefined: it cannot befall this instruction */
  apply(spot: Spot): Uint8Array | undefined;
}

/** The bytes with one of them changed. */
export function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}
