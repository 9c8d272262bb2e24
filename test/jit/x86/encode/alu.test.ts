import { describe } from "vitest";
import * as alu from "../../../../jit/x86/encode/alu.ts";
import { INT32, isInt8, NAMES, oneOf, REGISTER, reg, rexBytes, W } from "./operands.ts";
import { EncoderSpecs } from "./spec.ts";

const RAX = 0;
const specs = new EncoderSpecs(alu);
const spec = specs.spec.bind(specs);

/** Arithmetic with a form for immediates, whose digit is the opcode's. */
const ARITHMETIC = [
  ["add", alu.ADD],
  ["or", alu.OR],
  ["and", alu.AND],
  ["sub", alu.SUB],
  ["xor", alu.XOR],
  ["cmp", alu.CMP],
] as const;
const SHIFTS = [
  ["shl", alu.SHL],
  ["shr", alu.SHR],
  ["sar", alu.SAR],
] as const;

describe("encode/alu: iced-x86 reads what was asked for", () => {
  spec(
    alu.opRegReg,
    "op dst, src",
    [oneOf(...ARITHMETIC, ["test", alu.TEST] as const), W, REGISTER, REGISTER],
    ([name, op], w, dst, src) => ({
      emit: (c) => alu.opRegReg(c, op, w, dst, src),
      text: `${name} ${reg(dst, w)}, ${reg(src, w)}`,
      bytes: 2 + rexBytes(w, dst, src),
    }),
  );

  spec(
    alu.opRegImm,
    "a byte where it fits, else four; rax then has a form without ModRM",
    [oneOf(...ARITHMETIC), W, REGISTER, INT32],
    ([name, op], w, dst, imm) => ({
      emit: (c) => alu.opRegImm(c, op, w, dst, imm),
      text: `${name} ${reg(dst, w)}, ${imm}`,
      bytes: rexBytes(w, dst) + (isInt8(imm) ? 3 : dst === RAX ? 5 : 6),
    }),
  );

  spec(alu.opRegImm, "not short: rax is like all others", [oneOf(...ARITHMETIC), W, INT32], ([name, op], w, imm) => ({
    emit: (c) => alu.opRegImm(c, op, w, RAX, imm, false),
    text: `${name} ${reg(RAX, w)}, ${imm}`,
    bytes: rexBytes(w) + (isInt8(imm) ? 3 : 6),
  }));

  spec(alu.testRegImm, "four bytes of immediate, whatever the value", [W, REGISTER, INT32], (w, dst, imm) => ({
    emit: (c) => alu.testRegImm(c, w, dst, imm),
    text: `test ${reg(dst, w)}, ${imm}`,
    bytes: 6 + rexBytes(w, dst),
  }));

  spec(
    alu.unary,
    "op reg",
    [oneOf(["neg", alu.NEG], ["mul", alu.MUL], ["div", alu.DIV], ["idiv", alu.IDIV]), W, REGISTER],
    ([name, digit], w, n) => ({
      emit: (c) => alu.unary(c, digit as number, w, n),
      text: `${name} ${reg(n, w)}`,
      bytes: 2 + rexBytes(w, n),
    }),
  );

  spec(alu.imulRegReg, "the destination is ModRM.reg, not rm", [W, REGISTER, REGISTER], (w, dst, src) => ({
    emit: (c) => alu.imulRegReg(c, w, dst, src),
    text: `imul ${reg(dst, w)}, ${reg(src, w)}`,
    bytes: 3 + rexBytes(w, dst, src),
  }));

  spec(
    alu.imulRegImm,
    "one register, named by REX.R and by REX.B (iced-x86 prints two that differ)",
    [W, REGISTER, INT32],
    (w, dst, imm) => ({
      emit: (c) => alu.imulRegImm(c, w, dst, imm),
      text: `imul ${reg(dst, w)}, ${imm}`,
      bytes: rexBytes(w, dst) + (isInt8(imm) ? 3 : 6),
    }),
  );

  spec(alu.signExtendRax, "into edx or rdx", [W], (w) => ({
    emit: (c) => alu.signExtendRax(c, w),
    text: w ? "cqo" : "cdq",
    bytes: w ? 2 : 1,
  }));

  spec(
    alu.shiftImm,
    "by one: a form without immediate, unless the long one is asked for",
    [
      oneOf(...SHIFTS, ["rol", alu.ROL] as const, ["ror", alu.ROR] as const),
      W,
      REGISTER,
      oneOf(0, 1, 2, 31, 32, 63, 127),
      oneOf(false, true),
    ],
    ([name, digit], w, n, count, long) => ({
      emit: (c) => alu.shiftImm(c, digit, w, n, count, long),
      text: `${name} ${reg(n, w)}, ${count}`,
      bytes: rexBytes(w, n) + (count === 1 && !long ? 2 : 3),
    }),
  );

  spec(alu.shiftCl, "by cl", [oneOf(...SHIFTS), W, REGISTER], ([name, digit], w, n) => ({
    emit: (c) => alu.shiftCl(c, digit, w, n),
    text: `${name} ${reg(n, w)}, cl`,
    bytes: 2 + rexBytes(w, n),
  }));

  spec(
    alu.shiftX,
    "VEX has the count's register, R and B inverted",
    [oneOf(...SHIFTS), W, REGISTER, REGISTER],
    ([name, digit], w, n, count) => ({
      emit: (c) => alu.shiftX(c, digit, w, n, count),
      text: `${name}x ${reg(n, w)}, ${reg(n, w)}, ${reg(count, w)}`,
      bytes: 5,
    }),
  );

  spec(alu.bswap, "32 or 64 bits", [W, REGISTER], (w, n) => ({
    emit: (c) => alu.bswap(c, w, n),
    text: `bswap ${reg(n, w)}`,
    bytes: 2 + rexBytes(w, n),
  }));

  spec(alu.ror16, "the operand-size prefix is in front of REX", [REGISTER, oneOf(1, 8, 15)], (n, count) => ({
    emit: (c) => alu.ror16(c, n, count),
    text: `ror ${NAMES[16][n]}, ${count}`,
    bytes: 4 + rexBytes(false, n),
  }));

  spec(alu.cmove, "64 bits, the destination is ModRM.reg", [REGISTER, REGISTER], (dst, src) => ({
    emit: (c) => alu.cmove(c, dst, src),
    text: `cmove ${reg(dst)}, ${reg(src)}`,
    bytes: 4,
  }));

  specs.complete();
});
