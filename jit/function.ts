import type { Insn } from "../bpf/insn.ts";

/** One function as the JIT gets it: a struct bpf_prog with its aux, every address filled in. */
export interface JitFunction {
  name: string;
  /** u64 arguments, where BTF tells */
  nargs?: number;
  /** kernel-internal instructions; LD_IMM64 carry their final 64 bits, jumps are relative in slots */
  insns: Insn[];
  /** for each of them the slot of the function as the verifier left it, once instructions were inserted */
  origin?: Int32Array;
  /** slot of a CALL -> address it calls */
  calls: Map<number, bigint>;
  /**
   * slot of a CALL or LD_IMM64 of a function that was removed as dead code -> its distance in slots, which the CALL takes for
   * an offset from __bpf_call_base, and the LD_IMM64 loads
   */
  removed: Map<number, number>;
  /** aux->func_idx is not 0: no entry from outside */
  isSubprog: boolean;
  /** bytes, not rounded (aux->stack_depth) */
  stackDepth: number;
  tailCallReachable: boolean;
  exceptionBoundary: boolean;
  exceptionCallback: boolean;
  /** made from classic BPF (bpf_prog_was_classic) */
  classic: boolean;
  /** loaded without CAP_SYS_ADMIN: a classic filter clears the branch history on exit */
  unprivileged: boolean;
  /** per-CPU address of the private stack (aux->priv_stack_ptr) */
  privateStack?: bigint;
  /** arena mapping: where the kernel and where user space sees it */
  arena?: { kernel: bigint; user: bigint };
  /** map and key of each direct tail call, in the order of their imm - 1 */
  pokes: { map: string; key: number }[];
  /** compiled a second time with padding on, as every function of a program with subprograms is (jit_subprogs) */
  extraPass: boolean;
}
