import { type Insn, imm64 } from "../../insn.ts";
import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32, classOf, LD_IMM64 } from "../../opcode.ts";
import { aluText } from "./alu.ts";
import { jumpText } from "./jumps.ts";
import { memoryText } from "./memory.ts";
import type { KernelNames } from "./names.ts";

export type { KernelNames } from "./names.ts";

/**
 * The text of each slot as the kernel prints it in verifier logs and xlated dumps (print_bpf_insn, kernel/bpf/disasm.c), without
 * the opcode in front; the second slot of an LD_IMM64 is empty. What it has no words for is `BUG_` and the opcode.
 */
export function kernelDisassemble(insns: readonly Insn[], names: KernelNames = {}): string[] {
  const texts: string[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot];
    if (insn.code === LD_IMM64 && slot + 1 < insns.length) {
      texts.push(`r${insn.dst} = ${names.imm?.(slot) ?? `0x${imm64(insns, slot).toString(16)}`}`, "");
      slot++;
    } else texts.push(narrowText(insn, slot, names) ?? `BUG_${insn.code.toString(16).padStart(2, "0")}`);
  }
  return texts;
}

function narrowText(insn: Insn, slot: number, names: KernelNames): string | undefined {
  switch (classOf(insn.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return aluText(insn);
    case BPF_JMP:
    case BPF_JMP32:
      return jumpText(insn, slot, names);
    default:
      return memoryText(insn);
  }
}
