import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as O from "../../../bpf/opcode.ts";
import type { Scalar } from "../../../bpf/verifier/analysis/scalar/domain.ts";
import { scalarDomain } from "../../../bpf/verifier/analysis/scalar/index.ts";
import { kernels } from "../../../bpf/verifier/index.ts";

// Whatever is known of a value must be true of it: a known value goes through random operations together with what is said of it.

const u64 = (v: bigint) => BigInt.asUintN(64, v);
const s64 = (v: bigint) => BigInt.asIntN(64, v);
const u32 = (v: bigint) => BigInt.asUintN(32, v);
const s32 = (v: bigint) => BigInt.asIntN(32, v);

const divided = (a: bigint, b: bigint) => (b === 0n ? 0n : a / b);
const remainder = (a: bigint, b: bigint) => (b === 0n ? a : a % b);

const OPS: [op: number, run: (a: bigint, b: bigint, bits: bigint) => bigint, signed?: boolean][] = [
  [O.BPF_ADD, (a, b) => a + b],
  [O.BPF_SUB, (a, b) => a - b],
  [O.BPF_MUL, (a, b) => a * b],
  [O.BPF_AND, (a, b) => a & b],
  [O.BPF_OR, (a, b) => a | b],
  [O.BPF_XOR, (a, b) => a ^ b],
  [O.BPF_LSH, (a, b, bits) => a << (b & (bits - 1n))],
  [O.BPF_RSH, (a, b, bits) => a >> (b & (bits - 1n))],
  [O.BPF_ARSH, (a, b, bits) => BigInt.asIntN(Number(bits), a) >> (b & (bits - 1n))],
  [O.BPF_NEG, (a) => -a],
  [O.BPF_DIV, divided],
  [O.BPF_MOD, remainder],
  [O.BPF_DIV, (a, b, bits) => divided(BigInt.asIntN(Number(bits), a), BigInt.asIntN(Number(bits), b)), true],
  [O.BPF_MOD, (a, b, bits) => remainder(BigInt.asIntN(Number(bits), a), BigInt.asIntN(Number(bits), b)), true],
];

const COMPARISONS: [op: number, holds: (a: bigint, b: bigint) => boolean, signed?: boolean][] = [
  [O.BPF_JEQ, (a, b) => a === b],
  [O.BPF_JNE, (a, b) => a !== b],
  [O.BPF_JSET, (a, b) => (a & b) !== 0n],
  [O.BPF_JGT, (a, b) => a > b],
  [O.BPF_JGE, (a, b) => a >= b],
  [O.BPF_JLT, (a, b) => a < b],
  [O.BPF_JLE, (a, b) => a <= b],
  [O.BPF_JSGT, (a, b) => a > b, true],
  [O.BPF_JSGE, (a, b) => a >= b, true],
  [O.BPF_JSLT, (a, b) => a < b, true],
  [O.BPF_JSLE, (a, b) => a <= b, true],
];

const holds = (v: bigint, s: Scalar) =>
  (v & ~s.varOff.mask) === s.varOff.value &&
  s.umin <= v &&
  v <= s.umax &&
  s.smin <= s64(v) &&
  s64(v) <= s.smax &&
  BigInt(s.u32min) <= u32(v) &&
  u32(v) <= BigInt(s.u32max) &&
  BigInt(s.s32min) <= s32(v) &&
  s32(v) <= BigInt(s.s32max);

const value = fc.oneof(
  fc.bigInt({ min: -20n, max: 20n }).map(u64),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.bigInt({ min: -2n, max: 2n }))
    .map(([bit, d]) => u64((1n << BigInt(bit)) + d)),
);
const step = fc.record({
  kind: fc.constantFrom("alu", "alu", "branch", "branch", "branch", "extend", "end"),
  pick: fc.nat(1000),
  is32: fc.boolean(),
  dst: fc.nat(2),
  src: fc.nat(2),
  constant: fc.option(value),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const eras = Object.values(kernels);

describe.each(eras.map((k) => [k.name, scalarDomain(k.scalars)] as const))("%s", (_, S) => {
  test("bits and bounds are true of the value", () => {
    const run = (values: bigint[], steps: Step[]) => {
      const regs = values.map((v) => ({ v, s: S.unknown }));
      for (const { kind, pick, is32, dst, src, constant } of steps) {
        const a = regs[dst];
        const b = constant === null ? regs[src] : { v: constant, s: S.constant(constant) };
        const bits = is32 ? 32n : 64n;
        const cut = is32 ? u32 : u64;
        if (kind === "alu") {
          const [op, compute, signed] = OPS[pick % OPS.length];
          const v = cut(compute(cut(a.v), cut(b.v), bits));
          // shifts by a constant beyond the width are turned down before
          const shift = op === O.BPF_LSH || op === O.BPF_RSH || op === O.BPF_ARSH;
          if (shift && constant !== null && constant >= bits) continue;
          regs[dst] = { v, s: S.alu(op, is32, a.s, b.s, signed ?? false) };
        } else if (kind === "branch") {
          const [op, compare, signed] = COMPARISONS[pick % COMPARISONS.length];
          const read = (v: bigint) => (signed ? BigInt.asIntN(Number(bits), v) : cut(v));
          const taken = compare(read(a.v), read(b.v));
          const same = a === b;
          const predicted = S.predict(op, is32, a.s, b.s, same);
          if (predicted >= 0) {
            expect(predicted).toBe(taken ? 1 : 0);
            continue;
          }
          const refined = S.refine(op, is32, a.s, b.s, same)[taken ? "taken" : "fallthrough"];
          regs[dst] = { v: a.v, s: refined[0] };
          if (constant === null) regs[src] = { v: b.v, s: refined[1] };
        } else if (kind === "extend") {
          const bytes = [1, 2, 4][pick % 3];
          const low = BigInt.asUintN(bytes * 8, a.v);
          const signed = BigInt.asIntN(bytes * 8, a.v);
          if (pick & 8) regs[dst] = { v: low, s: S.truncate(a.s, bytes) };
          else if (!is32) regs[dst] = { v: u64(signed), s: S.signExtend(a.s, bytes) };
          else if (bytes < 4) regs[dst] = { v: u32(signed), s: S.signExtend32(a.s, bytes) };
          else regs[dst] = { v: u32(a.v), s: S.zeroExtend32(a.s) };
        } else {
          const width = [16, 32, 64][pick % 3];
          const swap = is32;
          const hex = BigInt.asUintN(width, a.v)
            .toString(16)
            .padStart(width / 4, "0");
          const v = BigInt(`0x${swap ? hex.match(/../g)?.reverse().join("") : hex}`);
          regs[dst] = { v, s: S.byteOrder(a.s, width, swap) };
        }
        for (const r of regs) if (!holds(r.v, r.s)) throw new Error(`${r.v.toString(16)} is not in what is said of it`);
      }
    };
    fc.assert(fc.property(fc.tuple(value, value, value), fc.array(step, { minLength: 3, maxLength: 14 }), run), {
      numRuns: 500,
    });
  });
});
