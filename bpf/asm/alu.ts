import {
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_END,
  BPF_K,
  BPF_MOV,
  BPF_NEG,
  BPF_X,
} from "../opcode.ts";
import { ALU_OPERATORS, BYTE_ORDERS } from "../syntax.ts";
import { parseExpression, parseImm32 } from "./expression.ts";
import { isRegister, parseRegisterOf, parseSameRegister, type Register } from "./operands.ts";
import type { Parser } from "./parser.ts";

const aluClass = (dst: Register): number => (dst.is32 ? BPF_ALU : BPF_ALU64);

/** `r1 += r2`, `w1 s>>= 3`: whether the operator after the register is one of these, and if so the instruction. */
export function tryParseAlu(p: Parser, dst: Register): boolean {
  const operator = ALU_OPERATORS.get(p.peek().text);
  if (!operator) return false;
  p.next();
  emitAlu(p, dst, operator.op, operator.off);
  return true;
}

/** `r1 = r2`, `w1 = 5`; what else starts with `r1 =` has been ruled out. */
export const parseMov = (p: Parser, dst: Register): void => emitAlu(p, dst, BPF_MOV, 0);

function emitAlu(p: Parser, dst: Register, op: number, off: number): void {
  if (isRegister(p.peek())) {
    p.emit(aluClass(dst) | op | BPF_X, dst.number, parseRegisterOf(p, dst.is32), off, 0);
  } else {
    p.emit(aluClass(dst) | op | BPF_K, dst.number, 0, off, parseImm32(p, "a register or a 32-bit number"));
  }
}

/** `r1 = -r1` */
export function parseNeg(p: Parser, dst: Register): void {
  p.expect("-");
  parseSameRegister(p, dst);
  p.emit(aluClass(dst) | BPF_NEG | BPF_K, dst.number, 0, 0, 0);
}

/** `r1 = (s8)r2` */
export function parseMovsx(p: Parser, dst: Register): void {
  p.expect("(");
  const type = p.next();
  if (dst.is32 && type.text === "s32") p.fail("s8 or s16", type);
  p.expect(")");
  p.emit(aluClass(dst) | BPF_MOV | BPF_X, dst.number, parseRegisterOf(p, dst.is32), Number(type.text.slice(1)), 0);
}

/** `w1 = zext w1`: kernel-internal, see isZext. */
export function parseZext(p: Parser, dst: Register): void {
  if (!dst.is32) p.fail("a 32-bit register before it");
  p.expect("zext");
  parseSameRegister(p, dst);
  p.emit(BPF_ALU | BPF_MOV | BPF_X, dst.number, dst.number, 0, 1);
}

/** `r1 = be16 r1` */
export function parseByteOrder(p: Parser, dst: Register): void {
  const word = p.peek();
  const { code, bits } = BYTE_ORDERS.get(word.text)!;
  if (dst.is32) p.fail("a 64-bit register before it", word);
  p.next();
  parseSameRegister(p, dst);
  p.emit(code | BPF_END, dst.number, 0, 0, bits);
}

/** `r1 = addr_space_cast(r2, 0, 1)`: destination and source address space, 16 bits each. */
export function parseAddrSpaceCast(p: Parser, dst: Register): void {
  if (dst.is32) p.fail("a 64-bit register before it");
  p.expect("addr_space_cast");
  p.expect("(");
  const src = parseRegisterOf(p, false);
  p.expect(",");
  const to = Number(parseExpression(p, 0n, 0xffffn, "an address space"));
  p.expect(",");
  const from = Number(parseExpression(p, 0n, 0xffffn, "an address space"));
  p.expect(")");
  p.emit(BPF_ALU64 | BPF_MOV | BPF_X, dst.number, src, BPF_ADDR_SPACE_CAST, (to << 16) | from);
}

/** `r0 = &(void __percpu *)(r0)`: kernel-internal, as kernel/bpf/disasm.c prints it. */
export function parsePercpuAddress(p: Parser, dst: Register): void {
  if (dst.is32) p.fail("a 64-bit register before it");
  for (const word of ["&", "(", "void", "__percpu", "*", ")", "("]) p.expect(word);
  const src = parseRegisterOf(p, false);
  p.expect(")");
  p.emit(BPF_ALU64 | BPF_MOV | BPF_X, dst.number, src, BPF_ADDR_PERCPU, 0);
}
