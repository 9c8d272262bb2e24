import type { FrameSlot } from "../../bpf/image.ts";
import type { JitFunction } from "../function.ts";
import type { X86Profile } from "../profile.ts";
import type { CFunction } from "./designs/c-functions.ts";
import type { Fn } from "./fn.ts";
import type { Tramp } from "./trampoline/tramp.ts";

/**
 * Where the tail-call count lives and how it travels. One file in designs/ implements this; everything else of the JIT is
 * the same for all designs. The hooks are called in the order in which their bytes appear; one that is not there emits
 * nothing, or what its description says.
 */
export interface TailCallDesign {
  readonly name: string;
  /** one sentence: where the count lives */
  readonly about: string;
  /** bytes from bpf_func to where a tail call lands, without endbr64 (X86_TAIL_CALL_OFFSET) */
  readonly landing: number | ((profile: X86Profile) => number);
  /** x86 register that takes the callee's struct bpf_prog, then its address; default rcx */
  readonly scratch?: number;
  /** how a function makes and leaves its frame; default exactFrame */
  readonly frame?: Frame;
  /** C functions of the kernel that its code calls */
  readonly functions?: readonly CFunction[];
  /**
   * run-ctx: where a tail call is reachable, the kernel enters the program with a pointer to a struct bpf_tail_call_run_ctx (context,
   * pointer to a count) in place of the context
   */
  readonly entry?: "run-ctx";
  /** a direct tail call has one patch site, the jump; default: a second one in front of it, over the frame's undoing */
  readonly singlePoke?: boolean;

  /**
   * What this design asks of the verifier: the function's BPF instructions as they are to be compiled (see jit/replace.ts). `symbol`
   * gives addresses of kernel symbols and per-CPU variables.
   */
  rewrite?(input: JitFunction, symbol: (name: string) => bigint, profile: X86Profile): JitFunction;

  /** Entry, between the patch site and `push rbp`: skipped by a tail call, so this is where a count starts. Same size everywhere. */
  enter?(f: Fn): void;
  /** Entry, behind `mov rbp, rsp`: skipped by a tail call, too. Same size everywhere. */
  linked?(f: Fn): void;
  /** After the frame is made, in functions from which a tail call is reachable: keep the count. */
  keep?(f: Fn): void;
  /** Before a call: hand the count on. `bpf` is a call of a BPF function, `kernel` of a helper or kfunc. */
  beforeCall?(f: Fn, callee: Callee): void;
  /** After a call. Must keep rax. */
  afterCall?(f: Fn, callee: Callee): void;

  /** At an indirect tail call: jump away when the index is out of range; default: 32 bits of it. Must keep rdi, rsi, rdx. */
  bounds?(f: Fn, out: OutJumps): void;
  /** At a tail call: jump away (through `out`) when the limit is reached; may count already. Must keep rdi, rsi, rdx. */
  check(f: Fn, out: OutJumps): void;
  /** At an indirect tail call: the slot into `scratch`, and jump away when it is empty. Must keep rdi. */
  lookup?(f: Fn, out: OutJumps): void;
  /** At a tail call whose slot is known to be set: count. Must keep rdi, rsi, rdx and `scratch`. */
  count?(f: Fn): void;
  /** What trampolines do for it, in kernels that have thought of it (6.7); default: nothing. */
  readonly trampoline?: TrampolineHooks;
  /** x86 register for the address of a traced function that is called by ORIG_STACK; default: the kernel's */
  readonly origStack?: number;

  /** Before leaving by a tail call, callee-saved registers restored: undo keep(). */
  drop?(f: Fn): void;
}

export type Callee = "bpf" | "kernel";

/** How rax, by which the count travels, gets through a trampoline (BPF_TRAMP_F_TAIL_CALL_CTX). */
export interface TrampolineHooks {
  /** the quadword below the trampoline's frame that keep() makes */
  readonly slot: FrameSlot;
  /** The frame is made: keep what was brought. */
  keep(t: Tramp): void;
  /** The traced function goes on: as if it had been called at once. Must keep the arguments' registers. */
  load(t: Tramp): void;
}

/** How a function makes its stack frame and leaves it. Names the frame's quadwords in f.slots. */
export interface Frame {
  /** Everything between the patch site and the body, the landing of tail calls included. */
  make(f: Fn): void;
  /** At an exit: everything up to `ret`. */
  restore(f: Fn): void;
  /** At a tail call: what the callee doesn't take over. */
  leave(f: Fn): void;
}

/** Forward jumps to the end of a tail call sequence. */
export interface OutJumps {
  /** jcc to the end */
  jump(cond: number): void;
}

/** MAX_TAIL_CALL_CNT */
export const MAX_TAIL_CALL_CNT = 33;
