import { decodeClassic, encodeClassic } from "../../../bpf/classic/insn.ts";
import { BPF_A, BPF_RET } from "../../../bpf/classic/opcode.ts";
import { BPF_ADD, BPF_ALU, BPF_K } from "../../../bpf/opcode.ts";
import type { Vector } from "./format.ts";

const ADD_K = BPF_ALU | BPF_ADD | BPF_K;
const SEED = 3141592653589793238n;

/**
 * test_bpf's "Run/add until end" adds numbers of prandom_u32_state() to A and returns the sum. Whoever compiles the suite where
 * that is a stub gets a vector that adds zeroes but says what the real numbers come to: those are put in again, where they come
 * to it. Undefined: there is nothing to repair.
 */
export function repairRandom(vector: Vector): Vector | undefined {
  if (vector.language !== "cbpf" || vector.runs.length !== 1 || vector.insns.length < 16) return undefined;
  const filter = decodeClassic(vector.insns);
  const last = filter.pop()!;
  const addsZeroes = filter.every(({ code, k }) => code === ADD_K && k === 0);
  if (!addsZeroes || last.code !== (BPF_RET | BPF_A)) return undefined;
  const numbers = prandom(SEED, filter.length);
  const sum = numbers.reduce((a, b) => (a + b) >>> 0, 0);
  if (sum !== vector.runs[0].result) return undefined;
  const insns = [...numbers.map((k) => ({ code: ADD_K, jt: 0, jf: 0, k })), last];
  return { ...vector, insns: encodeClassic(insns) };
}

/** The first `count` u32 of prandom_u32_state() (lib/random32.c: L'Ecuyer's taus113) after prandom_seed_state(). */
export function prandom(seed: bigint, count: number): number[] {
  const start = Number(BigInt.asUintN(32, (seed >> 32n) ^ (seed << 10n) ^ seed));
  const least = [2, 8, 16, 128];
  const state = least.map((m) => (start < m ? start + m : start));
  const step = (s: number, a: number, b: number, c: number, d: number) => ((s & c) << d) ^ (((s << a) ^ s) >>> b);
  return Array.from({ length: count }, () => {
    state[0] = step(state[0], 6, 13, -2, 18);
    state[1] = step(state[1], 2, 27, -8, 2);
    state[2] = step(state[2], 13, 21, -16, 7);
    state[3] = step(state[3], 3, 12, -128, 13);
    return (state[0] ^ state[1] ^ state[2] ^ state[3]) >>> 0;
  });
}
