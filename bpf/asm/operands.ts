import { MAX_BPF_EXT_REG } from "../opcode.ts";
import { ACCESS_TYPES } from "../syntax.ts";
import { parseExpression, startsExpression } from "./expression.ts";
import type { Token } from "./lexer.ts";
import type { Parser } from "./parser.ts";

export interface Register {
  number: number;
  /** `w`: the low half */
  is32: boolean;
}

/** r0 to r10, and r11 and r12, which only the verifier uses. */
const REGISTERS: ReadonlyMap<string, Register> = new Map(
  Array.from({ length: MAX_BPF_EXT_REG }, (_, number) => number).flatMap((number): [string, Register][] => [
    [`r${number}`, { number, is32: false }],
    [`w${number}`, { number, is32: true }],
  ]),
);

const LIKE_A_REGISTER = /^[rw][0-9]+$/;

export const registerOf = (token: Token): Register | undefined =>
  token.kind === "name" ? REGISTERS.get(token.text) : undefined;

export const isRegister = (token: Token): boolean => registerOf(token) !== undefined;

/** `r12` and the like: no register, but certainly meant to be one. */
export const looksLikeRegister = (token: Token): boolean => token.kind === "name" && LIKE_A_REGISTER.test(token.text);

/** Any register. */
export function parseRegister(p: Parser): Register {
  const register = registerOf(p.peek());
  if (!register) return p.fail("a register, r0 to r10 or w0 to w10");
  p.next();
  return register;
}

/** A register of this width. */
export function parseRegisterOf(p: Parser, is32: boolean): number {
  const token = p.peek();
  const register = registerOf(token);
  if (!register || register.is32 !== is32)
    return p.fail(is32 ? "a 32-bit register, w0 to w10" : "a register, r0 to r10");
  p.next();
  return register.number;
}

/** The register that stands before `=` once more, as `r1 = -r1` wants it. */
export function parseSameRegister(p: Parser, wanted: Register): void {
  const name = `${wanted.is32 ? "w" : "r"}${wanted.number}`;
  if (!p.accept(name)) p.fail(`${name} again`);
}

/** A register as wide as the access, or its 64-bit name, which LLVM takes for narrow accesses too. */
export function parseValueRegister(p: Parser, bytes: number): Register {
  const token = p.peek();
  const register = parseRegister(p);
  if (register.is32 && bytes === 8) p.fail("a 64-bit register, r0 to r10", token);
  return register;
}

/** `u32` of `*(u32 *)`, with the star: size field of the opcode and signedness. */
export function parseAccessType(p: Parser): { size: number; signed: boolean } {
  const type = p.peek().kind === "name" ? ACCESS_TYPES.get(p.peek().text) : undefined;
  if (!type) return p.fail("a type, u8 to u64 or s8 to s32", p.peek(), ACCESS_TYPES.keys());
  p.next();
  p.expect("*");
  return type;
}

export interface Address {
  base: number;
  off: number;
}

/**
 * `r1 + 4`, `r1 - 4`, `r1`, `r1 + 4 + 8`. `r1 + sk_buff.len` is the offset of a member in the running kernel, which the
 * loader fills in.
 */
export function parseAddress(p: Parser): Address {
  const base = parseRegisterOf(p, false);
  const member = p.peek(1);
  if (p.at("+") && member.kind === "name" && member.text.includes(".") && !p.names.constants.has(member.text)) {
    p.next();
    p.next();
    p.relocs.push({ insn: p.slot, kind: "field", field: member.text });
    return { base, off: 0 };
  }
  if (!p.at("+") && !p.at("-")) return { base, off: 0 };
  if (!startsExpression(p, 1)) p.fail("an offset", p.peek(1), p.names.constants.keys());
  return { base, off: Number(parseExpression(p, -32768n, 32767n, "a 16-bit offset")) };
}

/** `(r1 + 4)` */
export function parseParenthesizedAddress(p: Parser): Address {
  p.expect("(");
  const address = parseAddress(p);
  p.expect(")");
  return address;
}
