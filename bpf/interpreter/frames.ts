import { BPF_REG_FP } from "../opcode.ts";
import type { Code } from "./code.ts";
import { ExecutionFault } from "./fault.ts";
import type { Registers } from "./registers.ts";
import type { HelperSteps } from "./runnable.ts";

/** How deep calls nest in one program (include/linux/bpf_verifier.h); a tail call in a subprogram starts over. */
const MAX_CALL_FRAMES = 8;
const R6 = 12;
const R10 = 20;

/** A function that runs, and what its caller needs back when it is over. */
export interface Frame {
  /** 1 for the main function of a program, entered from outside or by a tail call; one more for each call below it */
  level: number;
  /** passes of may_goto that are left */
  mayGoto: number;
  /** address just above its stack */
  top: bigint;
  bytes: number;
  /** of the caller: its program, where it goes on, and its R6 to R10 as halves */
  code: Code;
  returnTo: number;
  saved: Int32Array;
  /** tail calls that the caller had counted */
  counted: number;
  /** the caller is a helper: it goes on with R0 */
  steps: HelperSteps | undefined;
}

/** The frames of one run, outermost first: stacks lie at descending addresses, as the kernel's do. */
export class Frames {
  readonly #frames: Frame[] = [];
  readonly #frameSize: number;
  readonly #mayGoto: number;
  readonly #top: bigint;

  constructor(top: bigint, frameSize: number, mayGoto: number) {
    this.#top = top;
    this.#frameSize = frameSize;
    this.#mayGoto = mayGoto;
  }

  get depth(): number {
    return this.#frames.length;
  }

  get current(): Frame {
    return this.#frames[this.#frames.length - 1];
  }

  /** A new frame below the current one, for a function of the same program. Throws ExecutionFault when they are too many. */
  push(regs: Registers, code: Code, returnTo: number, counted: number, steps?: HelperSteps): void {
    const above = this.#frames.at(-1);
    const level = above ? above.level + 1 : 1;
    if (level > MAX_CALL_FRAMES) throw new ExecutionFault("depth", `calls nested deeper than ${MAX_CALL_FRAMES}`);
    const frame: Frame = {
      level,
      mayGoto: this.#mayGoto,
      top: above ? above.top - BigInt(above.bytes) : this.#top,
      bytes: this.#bytesFor(code),
      code,
      returnTo,
      saved: regs.half.slice(R6, R10 + 2),
      counted,
      steps,
    };
    this.#frames.push(frame);
    regs.unsigned[BPF_REG_FP] = frame.top;
  }

  /** Takes the current frame away and gives the caller its registers back. */
  pop(regs: Registers): Frame {
    const frame = this.#frames.pop()!;
    regs.half.set(frame.saved, R6);
    return frame;
  }

  /** The current frame goes to another program: a tail call. */
  replace(regs: Registers, code: Code): void {
    const frame = this.current;
    frame.level = 1;
    frame.mayGoto = this.#mayGoto;
    frame.bytes = this.#bytesFor(code);
    regs.unsigned[BPF_REG_FP] = frame.top;
  }

  /** Down to the innermost frame that bpf_throw ends in. */
  unwind(regs: Registers): void {
    while (this.current.level > 1) this.pop(regs);
    regs.unsigned[BPF_REG_FP] = this.current.top;
  }

  #bytesFor(code: Code): number {
    return Math.max(this.#frameSize, (code.stackDepth + 15) & ~15);
  }
}
