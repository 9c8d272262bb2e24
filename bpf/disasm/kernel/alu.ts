import type { Insn } from "../../insn.ts";
import {
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU64,
  BPF_END,
  BPF_MOV,
  BPF_NEG,
  classOf,
  isX,
  opOf,
} from "../../opcode.ts";
import { aluOperator } from "../../syntax.ts";
import { registerText } from "../operands.ts";

/** ALU and ALU64 as the kernel prints them; undefined for an operation that it has no word for. */
export function aluText({ code, dst, src, off, imm }: Insn): string | undefined {
  const is64 = classOf(code) === BPF_ALU64;
  const to = registerText(dst, !is64);
  const op = opOf(code);
  if (op === BPF_END) return `r${dst} = ${is64 ? "bswap" : isX(code) ? "be" : "le"}${imm} r${dst}`;
  if (op === BPF_NEG) return `${to} = -${to}`;
  if (op === BPF_MOV && isX(code) && off !== 0) {
    if (is64 && off === BPF_ADDR_PERCPU) return `r${dst} = &(void __percpu *)(r${src})`;
    if (is64 && off === BPF_ADDR_SPACE_CAST)
      return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
    return `${to} = (s${off})${registerText(src, !is64)}`;
  }
  const operator = aluOperator(op, op === BPF_MOV ? 0 : off);
  if (operator === undefined) return undefined;
  return `${to} ${operator} ${isX(code) ? registerText(src, !is64) : imm}`;
}
