import type { Memory } from "../memory.ts";
import type { HelperSteps, HelperTable, Runnable } from "./runnable.ts";

/** How a kernel counts tail calls. */
export interface TailCallCounting {
  /**
   * entry: one count for all that an entry from outside leads to (6.12). value: a function starts with its caller's count, which does
   * not hear of the callee's (5.10). frame: every function starts at 0, as in kernel/bpf/core.c.
   */
  per: "entry" | "value" | "frame";
  /** an attempt at an empty element is counted, too (before 6.12, and in kernel/bpf/core.c) */
  countsEmpty: boolean;
}

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
  /** The program in an element of a prog array; "empty": it has none; undefined: there is no such element. */
  lookupProgram?(map: bigint, index: number): Runnable | "empty" | undefined;
  /** one count per entry and only tail calls that are taken by default, as since 6.12 */
  counting?: TailCallCounting;
  /**
   * What a call of a function in the program calls in its place, undefined: itself. `slot` is the function's first. The steps may call it,
   * which is then called as it is.
   */
  intercept?(program: Runnable, slot: number, args: readonly bigint[]): HelperSteps | undefined;
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
  counting: TailCallCounting;
}
