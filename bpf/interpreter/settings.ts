import type { Memory } from "../memory.ts";
import type { HelperTable, Runnable } from "./runnable.ts";

export interface InterpreterOptions {
  memory: Memory;
  /**
   * Address just above the stack, where the first frame's R10 points; the frames below it must be mapped: 8 for a program,
   * and 8 for each that a tail call in a subprogram enters. By default the interpreter maps itself a stack, for which memory
   * must be a FlatMemory. Stacks are not cleared.
   */
  stackTop?: bigint;
  /** bytes of a frame's stack, 512 by default; more where a function's stackDepth says so */
  frameSize?: number;
  helpers?: HelperTable;
  /** The program in an element of a prog array; undefined where none is, and out of bounds. */
  lookupProgram?(map: bigint, index: number): Runnable | undefined;
  /** LD_ABS and LD_IND: the big-endian number at an offset in the packet of a context; undefined where it has no such bytes. */
  loadPacket?(context: bigint, offset: number, size: 1 | 2 | 4): number | undefined;
  /** instructions that a run may take, 10^8 by default */
  budget?: number;
  /** passes of may_goto in one function, BPF_MAX_LOOPS by default */
  mayGoto?: number;
  /** this_cpu_off: what a per-CPU address (BPF_ADDR_PERCPU) is relative to; 0 by default */
  percpuOffset?: bigint;
  /** the order of bytes in memory, little by default: big is what s390 and others do, for which BPF_END swaps the other way */
  byteOrder?: "little" | "big";
  /** kernel and user address of an arena's start: BPF_PROBE_MEM32 and addr_space_cast */
  arena?: { kernel: bigint; user: bigint };
}

/** The options with nothing left to be decided. */
export interface Settings extends InterpreterOptions {
  stackTop: bigint;
  frameSize: number;
  budget: number;
  mayGoto: number;
  percpuOffset: bigint;
  byteOrder: "little" | "big";
}
