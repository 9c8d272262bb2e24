import type { Insn } from "../../bpf/insn.ts";
import type { TailCallDesign } from "./design.ts";
import type { Fn } from "./fn.ts";
import { lowerAlu } from "./lower/alu.ts";
import { fetchLoop } from "./lower/atomic.ts";
import { emitCall } from "./lower/call.ts";

/**
 * Parts of the JIT that a profile may have of its own, as the bug gallery does (bugs/). Registers are x86's. The others call
 * them through Fn.lower.
 */
export interface Lowerings {
  /** BPF_ALU and BPF_ALU64 */
  alu(f: Fn, insn: Insn, dst: number, src: number, slot: number): void;
  /** call rel32 to an absolute address, with the return stack accounted for where the CPU needs it */
  emitCall(f: Fn, target: bigint): void;
  /** atomic and, or, xor that fetch: a loop around cmpxchg */
  fetchLoop: typeof fetchLoop;
}

/** The kernel's, as it is now. */
export const LOWERINGS: Lowerings = { alu: lowerAlu, emitCall, fetchLoop };

/** What a profile emits otherwise than its design and the JIT of its kernel's age do. */
export interface Deviation {
  design?: Partial<TailCallDesign>;
  lowerings?: Partial<Lowerings>;
}
