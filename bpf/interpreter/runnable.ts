import type { Insn } from "../insn.ts";

/**
 * A program whose LD_IMM64s hold addresses: see link.ts for how a Program or an Xlated becomes one. The interpreter keeps
 * what it decodes with the object, so its instructions must not change.
 */
export interface Runnable {
  name?: string;
  insns: readonly Insn[];
  functions?: readonly { start: number; stackDepth?: number; exceptionCallback?: boolean }[];
  /** what imm of a call of a subprogram and of a function's address says: a distance, or an index into functions */
  callees?: "distance" | "index";
  /** slot of a CALL -> name of the kernel function, where imm does not tell */
  calls?: ReadonlyMap<number, string>;
  /** address of slot 0: functions' addresses and targets of gotox are `address + 8 * slot`. The default is CODE_ADDRESS */
  address?: bigint;
}

export const CODE_ADDRESS = 0xffffffffc0000000n;

/** What a helper may want before it returns. */
export type HelperStep =
  /** a call of a function of the program, by its address; the yield's value is its R0 */
  | { call: bigint; args: readonly bigint[] }
  /** bpf_throw: unwinds to the program's main function, or to its exception callback; the helper never goes on */
  | { throw: bigint };

export type HelperSteps = Generator<HelperStep, bigint, bigint>;

/** The kernel functions that programs may call. */
export interface HelperTable {
  /**
   * Calls a helper by number, a kernel function by name, or a kernel function by `btf:ID` where the program knows no name.
   * Returns R0, or the steps to it. Throws UnknownHelper, and MemoryFault for a bad pointer.
   */
  call(helper: number | string, args: readonly bigint[]): bigint | HelperSteps;
}

/** A program called a helper that the table does not have. */
export class UnknownHelper extends Error {
  override readonly name = "UnknownHelper";
  readonly helper: number | string;

  constructor(helper: number | string) {
    super(`there is no helper ${helper}`);
    this.helper = helper;
  }
}
