import { checkProgram, ProgramError } from "../../../bpf/check.ts";
import type { Insn } from "../../../bpf/insn.ts";
import { BPF_PSEUDO_KFUNC_CALL, CALL, CALLX, LD_IMM64 } from "../../../bpf/opcode.ts";
import { helperName, UNWIND } from "./helpers.ts";

/** Why no kernel takes the program, whatever it does; undefined: its shape is right. */
export function refusal(insns: readonly Insn[]): string | undefined {
  try {
    checkProgram(insns);
    return undefined;
  } catch (error) {
    if (error instanceof ProgramError) return error.message;
    throw error;
  }
}

/** What the program needs that a test of the instruction set has not got. */
export function needs(insns: readonly Insn[]): string | undefined {
  for (let slot = 0; slot < insns.length; slot++) {
    const { code, src, imm } = insns[slot];
    if (code === LD_IMM64) {
      slot++;
      if (src) return "it loads the address of a map or of a kernel object";
    } else if (code === CALL && src === BPF_PSEUDO_KFUNC_CALL) return `it calls kernel function ${imm}`;
    else if (code === CALL && src === 0 && helperName(imm) === undefined) return `it calls helper ${imm}`;
  }
  return undefined;
}

/** What the program needs that a kernel's JIT has not got. */
export function needsOfJit(insns: readonly Insn[]): string | undefined {
  if (insns.some(({ code }) => code === CALLX)) return "callx is known to no kernel's JIT";
  if (insns.some(({ code, src, imm }) => code === CALL && src === 0 && imm === UNWIND))
    return "the unwind helper is ubpf's own";
  return undefined;
}
