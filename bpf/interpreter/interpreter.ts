import { FlatMemory } from "../memory.ts";
import type { Outcome } from "./outcome.ts";
import { Run } from "./run.ts";
import type { Runnable } from "./runnable.ts";
import type { InterpreterOptions, Settings } from "./settings.ts";

const MAX_BPF_STACK = 512;
/** How often may_goto lets a function pass before it jumps. */
const BPF_MAX_LOOPS = 8 * 1024 * 1024;
const BUDGET = 100_000_000;
/** An address like those of vmalloc'ed kernel stacks. */
const STACK_TOP = 0xffffc90000080000n;
/** Enough for 8 frames in each of the 34 programs that 33 tail calls lead through. */
const STACK_FRAMES = 34 * 8;

/**
 * The reference interpreter: kernel/bpf/core.c's semantics, and those of the verifier's rewrites where the kernel's
 * interpreter relies on them (division by 0, bpf2bpf calls, may_goto). It runs programs as they are loaded and as the
 * verifier hands them on.
 */
export class Interpreter {
  readonly #settings: Settings;

  /** Throws TypeError where there is no stackTop and no FlatMemory to map a stack in. */
  constructor(options: InterpreterOptions) {
    this.#settings = {
      ...options,
      stackTop: options.stackTop ?? mapStack(options),
      frameSize: options.frameSize ?? MAX_BPF_STACK,
      budget: options.budget ?? BUDGET,
      mayGoto: options.mayGoto ?? BPF_MAX_LOOPS,
      percpuOffset: options.percpuOffset ?? 0n,
      byteOrder: options.byteOrder ?? "little",
      counting: options.counting ?? { per: "entry", countsEmpty: false },
    };
  }

  /**
   * Runs a program from slot 0 with `args` in R1 to R5 and 0 in the other registers: a call from outside, for which the
   * count of tail calls starts at 0.
   */
  run(program: Runnable, ...args: bigint[]): Outcome {
    return new Run(this.#settings, program, args).execute();
  }
}

function mapStack({ memory, frameSize = MAX_BPF_STACK }: InterpreterOptions): bigint {
  const bytes = STACK_FRAMES * frameSize;
  if (!(memory instanceof FlatMemory)) throw new TypeError("memory other than a FlatMemory needs a stackTop");
  if (!memory.region(STACK_TOP - 1n)) memory.map(STACK_TOP - BigInt(bytes), bytes);
  return STACK_TOP;
}
