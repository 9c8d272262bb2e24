import { type Insn, isZext } from "../insn.ts";
import {
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_END,
  BPF_MOV,
  BPF_NEG,
  classOf,
  isX,
  opOf,
} from "../opcode.ts";
import { aluOperator } from "../syntax.ts";
import { registerText } from "./operands.ts";

/** Text of an ALU or ALU64 instruction; undefined where it uses a reserved field or value. */
export function aluText(insn: Insn): string | undefined {
  const { code, off, imm } = insn;
  const is32 = classOf(code) === BPF_ALU;
  const dst = registerText(insn.dst, is32);
  const src = registerText(insn.src, is32);
  if (opOf(code) === BPF_END) return byteOrderText(insn);
  if (opOf(code) === BPF_NEG) {
    return !isX(code) && insn.src === 0 && off === 0 && imm === 0 ? `${dst} = -${dst}` : undefined;
  }
  if (opOf(code) === BPF_MOV && isX(code) && off !== 0) return movText(insn, dst, src);
  if (isZext(insn)) return `${dst} = zext ${src}`;
  const operator = aluOperator(opOf(code), off);
  if (operator === undefined || (opOf(code) === BPF_MOV && off !== 0)) return undefined;
  if (isX(code)) return imm === 0 ? `${dst} ${operator} ${src}` : undefined;
  return insn.src === 0 ? `${dst} ${operator} ${imm}` : undefined;
}

/** MOV whose off makes it something else: a sign extension, an address-space cast or a per-CPU address. */
function movText({ code, off, imm }: Insn, dst: string, src: string): string | undefined {
  const is64 = classOf(code) === BPF_ALU64;
  if (off === BPF_ADDR_SPACE_CAST)
    return is64 ? `${dst} = addr_space_cast(${src}, ${imm >>> 16}, ${imm & 0xffff})` : undefined;
  if (imm !== 0) return undefined;
  if (off === BPF_ADDR_PERCPU) return is64 ? `${dst} = &(void __percpu *)(${src})` : undefined;
  return off === 8 || off === 16 || (off === 32 && is64) ? `${dst} = (s${off})${src}` : undefined;
}

/** `le` and `be` are class ALU, `bswap` is class ALU64; all are written with 64-bit registers. */
function byteOrderText({ code, dst, src, off, imm }: Insn): string | undefined {
  const is64 = classOf(code) === BPF_ALU64;
  if (src !== 0 || off !== 0 || ![16, 32, 64].includes(imm) || (is64 && isX(code))) return undefined;
  const word = is64 ? "bswap" : isX(code) ? "be" : "le";
  return `r${dst} = ${word}${imm} r${dst}`;
}
