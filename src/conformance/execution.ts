import type { KernelFeatures } from "../../bpf/verifier/index.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import type { SkBuff, SkbRoom } from "../../emulator/context/skb.ts";
import type { Finding } from "../checks/finding.ts";

/** Arguments of a program in R1 and R2, and the packet that helpers work on. */
export interface Entry {
  r1: bigint;
  r2: bigint;
  skb?: SkBuff;
}

/** How one run of a program went. */
export interface Execution {
  /** undefined: it did not return, `stopped` says why where no finding does */
  r0: bigint | undefined;
  stopped?: string;
  findings: Finding[];
  instructions: number;
  /** bytes of kernel stack */
  maxStack: number;
}

/** A program that can be run, again and again. */
export interface Loaded {
  run(enter: (room: SkbRoom) => Entry): Execution;
  close(): void;
}

/** What is to be run: a program as the JIT gets it. */
export interface Prepared {
  xlated: Xlated;
  /** made from classic BPF */
  classic: boolean;
}

/** Kernel functions that a conformance suite brings along, by symbol. */
export type SuiteHelpers = Readonly<Record<string, (args: readonly bigint[], memory: SkbRoom["memory"]) => bigint>>;

export interface ExecutionSettings {
  kernel: KernelFeatures;
  helpers?: SuiteHelpers;
  /** instructions that a run may take */
  budget: number;
}
