import type { Structs } from "../bpf/structs.ts";
import type { FastcallFeatures } from "../bpf/verifier/fastcall/features.ts";
import type { Compilation } from "./x86/designs/c-functions.ts";
import type { Features } from "./x86/features.ts";
import type { CfiPreamble } from "./x86/lower/cfi.ts";
import type { Deviation } from "./x86/lowerings.ts";
import type { TrampolineFeatures } from "./x86/trampoline/features.ts";

/** Byte offsets of struct members that JITed code reads. */
export interface StructOffsets {
  /** struct bpf_map, max_entries */
  maxEntries: number;
  /** struct bpf_array, ptrs */
  ptrs: number;
  /** struct bpf_prog, bpf_func */
  bpfFunc: number;
  /** struct sk_buff, where the JIT itself reads packets (before 4.18) */
  skb?: { len: number; dataLen: number; data: number };
}

/**
 * Per-CPU variables: this_cpu_off, cpu_number, current_task, and call_depth or pcpu_hot where the kernel has them. Up to 6.14
 * they are offsets from 0, later addresses in the kernel image.
 */
export interface PercpuOffsets {
  /** __per_cpu_start */
  start: bigint;
  /** without CONFIG_SMP: there is one CPU, gs base is 0, and the variables are where their symbols say */
  up?: boolean;
  symbols: Record<string, bigint>;
}

/** A helper that returns a per-CPU variable. */
export interface InlinedHelper {
  /** e.g. bpf_get_smp_processor_id */
  helper: string;
  variable: string;
  /** bytes */
  size: 4 | 8;
}

/** One kernel's x86-64 JIT: age, configuration, mitigations, struct layout, tail-call design. */
export interface X86Profile {
  name: string;
  isa: "x86-64";
  /** what it stands for, one line */
  about: string;
  /** the kernel whose verifier, layouts and helpers go with it; default: the name, without variants */
  kernel?: string;
  /** name of a design in x86/designs */
  design: string;
  /** since 6.13 the count is only loaded before calls of BPF functions (a1087da9d11e); before, before every call */
  countBeforeKernelCalls: boolean;
  /** how its trampolines look; undefined: there are none (before 5.5) */
  trampoline?: TrampolineFeatures;
  offsets: StructOffsets;
  /** layouts of all structs, in place of those that are known of its kernel */
  structs?: Structs;
  percpu: PercpuOffsets;
  /** tail calls that one entry may take, 1 to 127; default MAX_TAIL_CALL_CNT */
  maxTailCalls?: number;
  /** what the compiler makes of C functions that the design calls; default: the worst that it may */
  compilation?: Compilation;
  /** name of a contract that its design breaks in most of what it runs, so that no scenario needs to say so */
  breaks?: string;
  /** net.core.bpf_jit_harden blinds this program's constants and rules out direct tail calls */
  harden?: boolean;
  /** what mitigations=off leaves of `features` */
  mitigationsOff: Pick<Features, "ret" | "indirectJump">;
  /** what its verifier does otherwise about bpf_fastcall than the kernel's; null: nothing, as if it did not know it */
  fastcall?: Partial<FastcallFeatures> | null;
  /** helpers without arguments that the JIT writes out itself: name and the per-CPU variable that they return */
  inlines?: readonly InlinedHelper[];
  /** its JIT writes CFI preambles (6.8), FineIBT's as that kernel has them */
  cfi?: CfiPreamble["trap"];
  features: Features;
  /** what is emitted otherwise than the design and the features say */
  deviation?: Deviation;
  /** the bug of the gallery that is in it: what happened, in a sentence */
  bug?: string;
}

/** Name of the kernel that a profile is, or is built on. */
export const kernelOf = ({ kernel, name }: X86Profile): string => kernel ?? name.split("+")[0];
