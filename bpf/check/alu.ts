import { type Insn, isZext } from "../insn.ts";
import {
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU64,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_NEG,
  BPF_RSH,
  classOf,
  isX,
  opOf,
} from "../opcode.ts";
import { reserved, unknownOpcode } from "./reserved.ts";

export function aluProblem(insn: Insn, kernelInternal: boolean): string | undefined {
  const { code, off, imm } = insn;
  const bits = classOf(code) === BPF_ALU64 ? 64 : 32;
  const op = opOf(code);
  switch (op) {
    case BPF_NEG:
      return isX(code) ? unknownOpcode(insn) : reserved(insn, "src", "off", "imm");
    case BPF_END:
      if (bits === 64 && isX(code)) return unknownOpcode(insn);
      return reserved(insn, "src", "off") ?? ([16, 32, 64].includes(imm) ? undefined : `a byte swap of ${imm} bits`);
    case BPF_MOV:
      return isX(code) ? movProblem(insn, kernelInternal) : reserved(insn, "src", "off");
    case BPF_DIV:
    case BPF_MOD:
      if (off !== 0 && off !== 1) return `off of a division is 0 or, for a signed one, 1; not ${off}`;
      if (!isX(code) && imm === 0) return "division by 0";
      return isX(code) ? reserved(insn, "imm") : reserved(insn, "src");
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      if (!isX(code) && (imm < 0 || imm >= bits)) return `a shift of ${bits} bits by ${imm}`;
      break;
    default:
      if (op > BPF_END) return unknownOpcode(insn);
  }
  return isX(code) ? reserved(insn, "off", "imm") : reserved(insn, "src", "off");
}

/** MOV between registers: off says which bits, and whether it is a plain one at all. */
function movProblem(insn: Insn, kernelInternal: boolean): string | undefined {
  const { code, off, imm } = insn;
  const is64 = classOf(code) === BPF_ALU64;
  if (is64 && off === BPF_ADDR_SPACE_CAST) {
    return imm === 1 || imm === 1 << 16 ? undefined : "an address-space cast is from 0 to 1 or from 1 to 0";
  }
  if (kernelInternal && isZext(insn)) return undefined;
  if (kernelInternal && is64 && off === BPF_ADDR_PERCPU) return reserved(insn, "imm");
  const widths = is64 ? [0, 8, 16, 32] : [0, 8, 16];
  return widths.includes(off) ? reserved(insn, "imm") : `off of a move is ${widths.join(", ")}; not ${off}`;
}
