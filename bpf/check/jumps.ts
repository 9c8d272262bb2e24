import type { Insn } from "../insn.ts";
import { BPF_PSEUDO_KFUNC_CALL, CALL, EXIT, isX, JA, JA32, JX, MAY_GOTO, opOf, TAIL_CALL } from "../opcode.ts";
import { jumpOperator } from "../syntax.ts";
import { reserved, unknownOpcode } from "./reserved.ts";

export function jumpProblem(insn: Insn, kernelInternal: boolean): string | undefined {
  const { code } = insn;
  switch (code) {
    case JA:
      return reserved(insn, "dst", "src", "imm");
    case JA32:
      return reserved(insn, "dst", "src", "off");
    case JX:
      return reserved(insn, "src", "off", "imm");
    case MAY_GOTO:
      return reserved(insn, "dst", "src", "imm");
    case EXIT:
      return reserved(insn, "dst", "src", "imm"); // off is not looked at
    case CALL:
      return callProblem(insn);
    case TAIL_CALL:
      return kernelInternal ? reserved(insn, "dst", "src", "off") : unknownOpcode(insn);
    default:
      if (jumpOperator(opOf(code)) === undefined) return unknownOpcode(insn);
      return isX(code) ? reserved(insn, "imm") : reserved(insn, "src");
  }
}

function callProblem(insn: Insn): string | undefined {
  if (insn.src > BPF_PSEUDO_KFUNC_CALL) return `a call has no pseudo source ${insn.src}`;
  return insn.src === BPF_PSEUDO_KFUNC_CALL ? reserved(insn, "dst") : reserved(insn, "dst", "off");
}
