import type { Structs } from "../bpf/structs.ts";

/** What the modelled kernel looks like: struct layouts, per-CPU symbols, and addresses where they are given. */
export interface MachineLayout {
  structs: Structs;
  percpu: PercpuLayout;
  /** addresses of kernel symbols; one that is missing gets an address when somebody asks for it */
  symbols?: Record<string, bigint>;
  /** where functions without a given address go; default TEXT_BASE */
  textBase?: bigint;
  /** where everything else goes, default: where the kernel has it */
  bases?: { directMap: bigint; jit: bigint; stack: bigint };
}

/**
 * Per-CPU variables: up to 6.14 the symbols are offsets from 0, later they are addresses in the kernel image, and what is in
 * the gs base wraps around.
 */
export interface PercpuLayout {
  /** __per_cpu_start */
  start: bigint;
  /** without CONFIG_SMP: the only CPU's variables are where their symbols say */
  up?: boolean;
  /** this_cpu_off, cpu_number, current_task, call_depth */
  symbols: Record<string, bigint>;
}

/** Where things are unless a capture says otherwise (Documentation/arch/x86/x86_64/mm.rst, 4-level page tables). */
export const TEXT_BASE = 0xffffffff81000000n;
export const TEXT_SIZE = 0x40000n;
export const JIT_BASE = 0xffffffffc0000000n;
export const JIT_SIZE = 0x2000000n;
export const DIRECT_MAP_BASE = 0xffff888100000000n;
export const DIRECT_MAP_SIZE = 0x8000000n;
export const STACK_BASE = 0xffffc90000000000n;
export const KERNEL_BASES = { directMap: DIRECT_MAP_BASE, jit: JIT_BASE, stack: STACK_BASE };
/** Returning here ends a run; never mapped. */
export const RETURN_TO_KERNEL = 0xffffffff80fff000n;

/** Kernel variables that programs read by their address: 64 bits each. */
export const KERNEL_DATA: Record<string, bigint> = { jiffies: 4_294_937_296n, jiffies_64: 4_294_937_296n };
