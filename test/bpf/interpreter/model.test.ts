import fc from "fast-check";
import { expect, test } from "vitest";
import { alu32 } from "../../../bpf/interpreter/alu32.ts";
import { alu64 } from "../../../bpf/interpreter/alu64.ts";
import { compare32, compare64 } from "../../../bpf/interpreter/compare.ts";
import { Registers } from "../../../bpf/interpreter/registers.ts";
import { ALU_OPERATORS, JUMP_OPERATORS } from "../../../bpf/syntax.ts";

/** RFC 9669 in bigints, to hold the arithmetic on halves against. `a` and `b` are unsigned, of `bits` bits. */
const ALU: Record<string, (a: bigint, b: bigint, bits: number) => bigint> = {
  "+=": (a, b) => a + b,
  "-=": (a, b) => a - b,
  "*=": (a, b) => a * b,
  "/=": (a, b) => (b ? a / b : 0n),
  "s/=": (a, b, bits) => (b ? BigInt.asIntN(bits, a) / BigInt.asIntN(bits, b) : 0n),
  "%=": (a, b) => (b ? a % b : a),
  "s%=": (a, b, bits) => (b ? BigInt.asIntN(bits, a) % BigInt.asIntN(bits, b) : a),
  "|=": (a, b) => a | b,
  "&=": (a, b) => a & b,
  "^=": (a, b) => a ^ b,
  "<<=": (a, b, bits) => a << (b % BigInt(bits)),
  ">>=": (a, b, bits) => a >> (b % BigInt(bits)),
  "s>>=": (a, b, bits) => BigInt.asIntN(bits, a) >> (b % BigInt(bits)),
};

const JUMPS: Record<string, (a: bigint, b: bigint, bits: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "s>": (a, b, bits) => BigInt.asIntN(bits, a) > BigInt.asIntN(bits, b),
  "s>=": (a, b, bits) => BigInt.asIntN(bits, a) >= BigInt.asIntN(bits, b),
  "s<": (a, b, bits) => BigInt.asIntN(bits, a) < BigInt.asIntN(bits, b),
  "s<=": (a, b, bits) => BigInt.asIntN(bits, a) <= BigInt.asIntN(bits, b),
  "&": (a, b) => (a & b) !== 0n,
};

const EDGES = [
  0n,
  1n,
  31n,
  32n,
  63n,
  64n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  1n << 63n,
  (1n << 64n) - 1n,
];
const u64 = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));

test.each([...ALU_OPERATORS])("dst %s src, 64 and 32 bits", (operator, { op, off }) => {
  const regs = new Registers();
  fc.assert(
    fc.property(u64, u64, (a, b) => {
      regs.unsigned[3] = a;
      alu64(regs, op, 3, low(b), high(b), off);
      expect(regs.unsigned[3]).toBe(BigInt.asUintN(64, ALU[operator](a, b, 64)));
      const [a32, b32] = [BigInt.asUintN(32, a), BigInt.asUintN(32, b)];
      expect(alu32(op, low(a), low(b), off)).toBe(low(ALU[operator](a32, b32, 32)));
    }),
    { numRuns: 1000 },
  );
});

test.each([...JUMP_OPERATORS])("if dst %s src, 64 and 32 bits", (operator, op) => {
  fc.assert(
    fc.property(u64, u64, (a, b) => {
      expect(compare64(op, low(a), high(a), low(b), high(b))).toBe(JUMPS[operator](a, b, 64));
      const [a32, b32] = [BigInt.asUintN(32, a), BigInt.asUintN(32, b)];
      expect(compare32(op, low(a), low(b))).toBe(JUMPS[operator](a32, b32, 32));
    }),
    { numRuns: 1000 },
  );
});
