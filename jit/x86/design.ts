import type { Fn } from "./fn.ts";

/**
 * Where the tail-call count lives and how it travels. One file in designs/ implements this; everything else of the JIT is
 * the same for all designs. The hooks are called in the order in which their bytes appear.
 */
export interface TailCallDesign {
  readonly name: string;
  /** one sentence: where the count lives */
  readonly about: string;
  /** bytes from bpf_func to where a tail call lands, without endbr64 (X86_TAIL_CALL_OFFSET) */
  readonly landing: number;

  /** Entry, between the patch site and `push rbp`: skipped by a tail call, so this is where a count starts. Same size everywhere. */
  enter(f: Fn): void;
  /** After the frame is made, in functions from which a tail call is reachable: keep the count. */
  keep(f: Fn): void;
  /** Before a call: hand the count on. `bpf` is a call of a BPF function, `kernel` of a helper or kfunc. */
  beforeCall(f: Fn, callee: "bpf" | "kernel"): void;
  /** At a tail call: jump away (through `out`) when the limit is reached; may count already. Must keep rdi, rsi, rdx. */
  check(f: Fn, out: OutJumps): void;
  /** At a tail call whose slot is known to be set: count. Must keep rdi, rsi, rdx, rcx. */
  count(f: Fn): void;
  /** Before leaving by a tail call, callee-saved registers restored: undo keep(). */
  drop(f: Fn): void;
}

/** Forward jumps to the end of a tail call sequence. */
export interface OutJumps {
  /** jcc to the end */
  jump(cond: number): void;
}

/** MAX_TAIL_CALL_CNT */
export const MAX_TAIL_CALL_CNT = 33;
