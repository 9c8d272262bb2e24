import type { Insn } from "./insn.ts";

/**
 * A program as the verifier hands it to the JIT: rewritten instructions in the kernel-internal form (BPF_PROBE_MEM modes,
 * BPF_TAIL_CALL, MOV with off -1), with addresses still symbolic. What `bpftool prog dump xlated` shows is a view of it.
 *
 * - LD_IMM64 of a map: see mapRefs. Of a subprogram (src BPF_PSEUDO_FUNC): imm is the function's index.
 * - CALL of a subprogram (src BPF_PSEUDO_CALL): imm is the function's index, off is 0.
 * - CALL of a helper or kfunc: the callee is calls.get(slot); imm is 0.
 * - Tail call: code BPF_JMP | BPF_TAIL_CALL; imm is 0 (indirect) or 1 + index into pokes (direct).
 */
export interface Xlated {
  insns: Insn[];
  /** for each slot the slot of the program it was made from */
  origin: Int32Array;
  functions: XlatedFunction[];
  mapRefs: MapRef[];
  /** slot of a CALL -> name of the kernel function it calls */
  calls: Map<number, string>;
  pokes: Poke[];
  /**
   * slots of CALL and LD_IMM64 whose function was removed as dead code, when only the main function is left: src is 0; the LD_IMM64 loads what was
   * the distance, the callee of the CALL is "__bpf_call_base+0x..."
   */
  removedCallees?: number[];
  /** calls that lost spills and fills around them (bpf_fastcall) */
  spillsRemoved?: SpillsRemoved[];
  /** slots whose 32-bit or 64-bit immediate is the address of a kernel object */
  symbolRefs: SymbolRef[];
}

export interface XlatedFunction {
  name: string;
  /** u64 arguments, where BTF tells */
  nargs?: number;
  /** first slot and number of slots */
  start: number;
  insns: number;
  /** bytes of BPF stack, not rounded */
  stackDepth: number;
  hasTailCall: boolean;
  /** aux->tail_call_reachable: a tail call may happen in it or below it */
  tailCallReachable: boolean;
  /** the default or a custom exception callback */
  exceptionCallback?: boolean;
  /** aux->exception_boundary: the main function of a program that may throw */
  exceptionBoundary?: boolean;
  /** aux->priv_stack_ptr is set: R10 is a per-CPU private stack */
  privateStack?: boolean;
}

export interface MapRef {
  insn: number;
  map: string;
  /** the struct bpf_map itself, or byte `off` of its (first) value */
  kind: "map" | "value";
  off: number;
}

/** A direct tail call: struct bpf_jit_poke_descriptor. */
export interface Poke {
  insn: number;
  map: string;
  key: number;
}

export interface SymbolRef {
  insn: number;
  symbol: string;
  addend: number;
}

export interface SpillsRemoved {
  /** slot of the call in the program as loaded */
  call: number;
  /** spills before it, and as many fills after it */
  pairs: number;
}
