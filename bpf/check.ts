import { checkFields } from "./check/fields.ts";
import { checkFlow } from "./check/flow.ts";
import { checkRegisters } from "./check/registers.ts";
import { isWideAt, wideProblem } from "./check/wide.ts";
import type { Insn } from "./insn.ts";

/** BPF_COMPLEXITY_LIMIT_INSNS: the longest program that bpf_prog_load takes. */
const MAX_SLOTS = 1_000_000;

/** Why a program is no program, and where. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  /** slot of the instruction */
  readonly slot: number;
  /** 1-based source line, 0 where unknown */
  readonly line: number;
  readonly reason: string;

  constructor(slot: number, line: number, reason: string) {
    super(`slot ${slot}${line ? ` (line ${line})` : ""}: ${reason}`);
    this.slot = slot;
    this.line = line;
    this.reason = reason;
  }
}

export interface CheckOptions {
  /** accept what the verifier writes: see bpf/xlated.ts. Calls and addresses of functions are then indexes into `functions`. */
  kernelInternal?: boolean;
  /** functions that are known apart from calls: func_info of a program, or all of them of an Xlated */
  functions?: readonly { start: number }[];
  /** source line of each slot */
  lines?: Uint32Array;
}

/**
 * What the verifier asks of the shape of a program, before it looks at values (check_insn_fields, resolve_pseudo_ldimm64,
 * check_subprogs, add_subprog and check_reg_arg in kernel/bpf/verifier.c): known opcodes, reserved fields, registers, jumps
 * that stay in their function. Throws ProgramError for the first slot that is wrong; jumps come after everything else.
 */
export function checkProgram(insns: readonly Insn[], options: CheckOptions = {}): void {
  const fail = (slot: number, reason: string): never => {
    throw new ProgramError(slot, options.lines?.[slot] ?? 0, reason);
  };
  if (insns.length === 0) fail(0, "a program has at least one instruction");
  if (insns.length > MAX_SLOTS) fail(MAX_SLOTS, `a program has at most ${MAX_SLOTS} slots`);
  const kernelInternal = options.kernelInternal ?? false;
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot];
    const wide = isWideAt(insns, slot);
    const problem =
      (wide ? wideProblem(insns, slot) : checkFields(insn, kernelInternal)) ?? checkRegisters(insn, kernelInternal);
    if (problem !== undefined) fail(slot, problem);
    if (wide) slot++;
  }
  checkFlow(insns, { kernelInternal, functions: options.functions ?? [] }, fail);
}
