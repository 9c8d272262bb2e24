import type { Insn } from "../insn.ts";
import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32, classOf } from "../opcode.ts";
import { aluProblem } from "./alu.ts";
import { jumpProblem } from "./jumps.ts";
import { memoryProblem } from "./memory.ts";

/** What is wrong with the opcode of an instruction, or with fields that its opcode leaves unused. Not for LD_IMM64. */
export function checkFields(insn: Insn, kernelInternal: boolean): string | undefined {
  switch (classOf(insn.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return aluProblem(insn, kernelInternal);
    case BPF_JMP:
    case BPF_JMP32:
      return jumpProblem(insn, kernelInternal);
    default:
      return memoryProblem(insn, kernelInternal);
  }
}
