import type { ScalarFeatures } from "./analysis/scalar/index.ts";
import type { FastcallFeatures } from "./fastcall/features.ts";
import type { BtfStructs } from "./structs.ts";

/** A per-CPU variable of the kernel that an inlined helper reads. */
export interface PerCpuVariable {
  symbol: string;
  /** byte offset in it */
  addend: number;
  /** BPF_MOV32_IMM (zero-extended) or BPF_MOV64_IMM (sign-extended) loads its address */
  mov: 32 | 64;
}

/** What one kernel's verifier does, as far as its output can tell. Each field says what it is called there, and since which version. */
export interface KernelFeatures {
  name: string;

  /** BPF_REG_AX, the rewrites' scratch register: 11, or 12 since stack arguments took 11 (7.2) */
  regAx: 11 | 12;
  /** a call whose function was removed shows its distance in off (7.2) */
  removedCallInOff: boolean;
  /** BPF_COMPLEXITY_LIMIT_INSNS: instructions that verification may follow (1,000,000 since 5.2) */
  complexityLimit: number;
  /** loops (5.3), before: no jump back to where the path came from */
  boundedLoops: boolean;
  /** BPF_ATOMIC operations other than an addition without fetch (5.12) */
  atomics: boolean;
  /** sdiv, smod, movsx, ldsx, bswap (6.6) */
  cpuV4: boolean;
  /** BPF_LOAD_ACQ, BPF_STORE_REL (6.15) */
  loadAcquire: boolean;
  /** BPF_ST to context fields (6.3) */
  ctxStoreImmediate: boolean;
  /** reads of stack that was never written, by privileged programs (6.3) */
  allowUninitStack: boolean;
  /** program types whose bpf_get_smp_processor_id() is bpf_get_raw_cpu_id() */
  rawCpuId: readonly number[];
  /** kernel functions that programs may call */
  kfuncs: readonly string[];

  scalars: ScalarFeatures;
  /** spilled scalars keep their value whatever it is, narrow fills of wider spills too (6.8); before: bounded values only */
  spillsAllScalars: boolean;
  /** assign_scalar_id_before_mov(): constants get no id (6.8) */
  noIdForConstants: boolean;
  /** BPF_ADD_CONST: registers that differ by a constant stay linked (6.11); by 32-bit sums and differences too (7.0) */
  linkedDelta: "none" | "add64" | "any";
  /** linked registers are synced when they are live (7.0), before: always */
  linkedLiveOnly: boolean;
  /** maybe_fork_scalars(): AND, OR of a 0-or-all-ones value is followed for both (7.0) */
  forkScalars: boolean;
  /** bpf_prune_dead_branches(): branches on constants are rewritten before verification (7.1) */
  constFold: boolean;

  /** grow_stack_state(): depth counts whole 8-byte slots (6.8) */
  stackDepthInSlots: boolean;
  /** callbacks are followed for any number of calls (6.8), before: for one */
  callbackIterations: boolean;
  /** a subprogram that LD_ABS or a tail call may leave returns an unknown value (7.0) */
  abnormalReturn: boolean;
  /** can_elide_value_nullness(): array lookups with a constant key in range do not return NULL (6.14) */
  elideNullness: boolean;
  /** helpers that only read stack leave what is known about it (6.14) */
  helperReadsKeepStack: boolean;
  /** bpf_get_smp_processor_id() is known to be below nr_cpu_ids (6.10) */
  cpuIdBounded: boolean;
  /** BTF pointers that are trusted need no fault handling (6.2) */
  trustedPointers: boolean;

  /** bpf_fastcall (6.12); null: not known */
  fastcall: FastcallFeatures | null;
  /** bpf_jit_inlines_helper_call(): helpers that its JIT writes out, without bpf_ (arm64, riscv64: 6.10) */
  jitInlines: readonly string[];
  /** may_goto (6.9): not known, counted in a slot of 8 bytes, or timed in 16 bytes (6.15) */
  mayGoto: "none" | "counted" | "timed";
  /** opt_remove_nops() also removes may_goto +0 (6.14) */
  removeMayGoto0: boolean;
  /**
   * division by a register: left to the JIT (before 4.16); divisor cut by a MOV32 of its own (4.16); compared in the operation's width
   * (5.11); signed division by -1 guarded too (6.12)
   */
  divisionGuards: "none" | "mov32" | "jmp32" | "signed";
  /** LD_ABS and LD_IND become calls (4.18), before: the JIT's work */
  expandLdAbs: boolean;
  /** array and hash lookups in place (4.12) */
  inlineLookup: boolean;
  /** map helpers call the map's own functions (4.19); bpf_for_each_map_elem() too (6.0) */
  mapOps: "none" | "all-but-for-each" | "all";
  /** bpf_loop() with a known callback in place (6.0) */
  inlineLoop: boolean;
  /** bpf_get_smp_processor_id() as three instructions (6.10) */
  cpuNumber: PerCpuVariable | null;
  /** bpf_get_current_task[_btf]() as three instructions (7.0) */
  currentTask: PerCpuVariable | null;
  /** per-CPU array and hash lookups (6.10) */
  inlinePerCpuLookup: boolean;
  /** bpf_kptr_xchg() (6.9) */
  inlineKptrXchg: boolean;
  /** struct __sk_buff: how the bit fields are read */
  skb: SkbFeatures;

  /** global functions are checked by themselves (5.6), before: like static ones */
  globalFunctions: boolean;
  /** loads from frozen maps give constants (5.5) */
  frozenMaps: boolean;
  /** calls of functions in the program (4.16) */
  functionCalls: boolean;
  /** dead code is removed (5.1) */
  removeDeadCode: boolean;
  /** tail calls with a constant index become jumps (5.5) */
  directTailCalls: boolean;
  /** bpf_allow_tail_call_in_subprogs() (5.10); before, a program that tail calls takes 512 bytes of stack */
  subprogTailCalls: boolean;
  /** check_max_stack_depth(): tail_call_reachable spreads from one callee to the siblings after it (up to 7.1) */
  tailCallReachableLeaks: boolean;
  /** bpf_enable_priv_stack() (6.13) */
  privateStack: boolean;
  /** round_up_stack_depth(): 16 bytes under a JIT (6.9), before: 32 */
  stackRounding: 16 | 32;

  options: KernelOptions;
  structs: BtfStructs;
}

export interface SkbFeatures {
  /** vlan_present: from vlan_all (6.2) or a bit of its own */
  vlanPresent: "vlan_all" | "bit";
  /** the delivery time: not told apart (up to 5.17), one bit and one comparison (5.18), two bits tested apart (6.11) */
  tstampType: "none" | "mono_bit" | "two_bits";
}

/** How the kernel runs, as far as it shapes the output. */
export interface KernelOptions {
  /** net.core.bpf_jit_harden asks for constant blinding: no direct tail calls */
  blinding: boolean;
  /** bpf_bypass_spec_v1(): maps and programs of the privileged, or mitigations=off; otherwise indexes are masked */
  bypassSpecV1: boolean;
  /** possible CPUs */
  nrCpuIds: number;
  /** CONFIG_NR_CPUS */
  nrCpus: number;
}
