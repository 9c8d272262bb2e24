import type { Stop } from "../../../emulator/engine.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import type { BpfLine } from "../code-listing.ts";

/** What is always the same about an instruction at an address. */
export interface Instruction {
  pc: bigint;
  /** program, program#function, or the kernel symbol */
  function: string;
  /** bytes from the function's start */
  offset: number;
  bytes: Uint8Array;
  /** AT&T; targets inside the function as `+0x1f` */
  asm: string;
  note?: string;
  /** BPF instructions that begin here */
  from: BpfLine[];
  /** undefined: kernel code */
  func?: PlacedFunction;
  /** the whole body of a modelled kernel function: its registers are as the model left them */
  isModel: boolean;
}

export interface RegisterChange {
  name: string;
  old: bigint;
  now: bigint;
  /** what a pointer points to */
  means?: string;
}

export interface MemoryWrite {
  address: bigint;
  /** bytes, at most 8 */
  size: number;
  /** unknown where a modelled kernel function wrote */
  old?: bigint;
  now: bigint;
  /** stack slot or map value that it lies in */
  place?: string;
  means?: string;
}

/** How control got to an instruction other than by sequence or a jump inside its function. */
export type Arrival =
  | { kind: "call" | "return"; function: string; depth: number }
  | { kind: "tail-call"; function: string; depth: number; nth: number }
  | { kind: "task"; task: number; cpu: number };

/** One executed instruction and all that it changed. Objects are new for each step. */
export interface TracedStep {
  /** counts instructions of the whole trace, from 0 */
  index: number;
  /** instructions of this run executed before */
  icount: number;
  instruction: Instruction;
  arrival?: Arrival;
  registers: RegisterChange[];
  /** RFLAGS before and after, where an arithmetic flag changed */
  flags?: { old: number; now: number };
  writes: MemoryWrite[];
  /** why it did not complete: "fault", "exception" */
  ended?: Stop["kind"];
}
