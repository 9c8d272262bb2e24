import fc from "fast-check";
import { expect, test } from "vitest";
import * as O from "../../../bpf/opcode.ts";
import { type Env, type KInsn, newAux, newSubprog } from "../../../bpf/verifier/env.ts";
import { exit, ja, mov64 } from "../../../bpf/verifier/insns.ts";
import { patchInsns, removeInsns } from "../../../bpf/verifier/patch.ts";

const call = (distance: number): KInsn => ({ code: O.CALL, dst: 0, src: O.BPF_PSEUDO_CALL, off: 0, imm: distance });

/** As much of an Env as patching needs; functions start at 0 and at `starts`. */
const program = (insns: KInsn[], starts: number[] = []): Env =>
  ({
    insns: insns.map((i) => ({ ...i })),
    aux: insns.map((_, i) => newAux(i)),
    subprogs: [0, ...starts, insns.length].map((start, i) => newSubprog(`f${i}`, start)),
  }) as unknown as Env;

const shape = (env: Env) => ({
  insns: env.insns,
  origin: env.aux.map((a) => a.origin),
  starts: env.subprogs.map((s) => s.start),
});

test("jumps over a patch are stretched, jumps to it land on its start, jumps inside stay", () => {
  const env = program([ja(1), mov64(1, 1), mov64(2, 2), ja(-3), exit()]);
  patchInsns(
    env,
    new Map([
      [1, [mov64(1, 7), mov64(1, 8)]],
      [2, [ja(1), mov64(2, 7), mov64(2, 8)]],
    ]),
  );
  expect(shape(env)).toEqual({
    insns: [ja(2), mov64(1, 7), mov64(1, 8), ja(1), mov64(2, 7), mov64(2, 8), ja(-6), exit()],
    origin: [0, 1, 1, 2, 2, 2, 3, 4],
    starts: [0, 8],
  });
});

test("functions move, and calls with them", () => {
  const env = program([mov64(1, 1), call(2), exit(), mov64(0, 0), mov64(0, 0), exit()], [4]);
  patchInsns(env, new Map([[3, [mov64(0, 0), mov64(0, 0), mov64(0, 0)]]]));
  expect(env.insns[1]).toEqual(call(4));
  expect(shape(env).starts).toEqual([0, 6, 8]);
});

test("a jump that becomes too long is the patch's fault", () => {
  const far = [ja(32767), ...Array.from({ length: 32767 }, () => mov64(0, 0)), exit()];
  const patches = new Map([[9, [mov64(0, 0), mov64(0, 0)]]]);
  expect(() => patchInsns(program(far), patches)).toThrow("insn 9 cannot be patched due to 16-bit range");
});

test("what lay in a run entirely is gone, functions too", () => {
  const env = program([ja(2), mov64(1, 1), exit(), mov64(0, 0), exit(), mov64(0, 0), exit()], [3, 5]);
  removeInsns(env, [{ at: 1, count: 4 }]);
  expect(shape(env)).toEqual({ insns: [ja(2), mov64(0, 0), exit()], origin: [0, 5, 6], starts: [0, 1, 3] });
});

/** Jumps to anywhere, calls, and others. */
const anyProgram = fc
  .array(fc.tuple(fc.constantFrom("ja", "call", "mov"), fc.nat(1000)), { minLength: 1, maxLength: 20 })
  .map((slots) =>
    slots.map(([kind, n], i) => {
      const distance = (n % slots.length) - i - 1;
      return kind === "ja" ? ja(distance) : kind === "call" ? call(distance) : mov64(1, n);
    }),
  );
const someOf = (n: number) => fc.subarray(Array.from({ length: n }, (_, i) => i));

test("many patches at once are the same as one after the other", () => {
  const input = anyProgram.chain((insns) =>
    fc.tuple(fc.constant(insns), someOf(insns.length), fc.integer({ min: 1, max: 4 })),
  );
  fc.assert(
    fc.property(input, ([insns, at, length]) => {
      const patch = Array.from({ length }, (_, k) => mov64(k, k));
      const [atOnce, oneByOne] = [program(insns, [insns.length >> 1]), program(insns, [insns.length >> 1])];
      patchInsns(atOnce, new Map(at.map((i) => [i, patch])));
      at.forEach((i, n) => {
        patchInsns(oneByOne, new Map([[i + n * (length - 1), patch]]));
      });
      expect(shape(atOnce)).toEqual(shape(oneByOne));
    }),
  );
});

test("many runs taken out at once are the same as one after the other", () => {
  const input = anyProgram.chain((insns) => fc.tuple(fc.constant(insns), someOf(insns.length)));
  fc.assert(
    fc.property(input, ([insns, at]) => {
      const [atOnce, oneByOne] = [program(insns, [insns.length >> 1]), program(insns, [insns.length >> 1])];
      removeInsns(
        atOnce,
        at.map((i) => ({ at: i, count: 1 })),
      );
      at.forEach((i, n) => {
        removeInsns(oneByOne, [{ at: i - n, count: 1 }]);
      });
      expect(shape(atOnce)).toEqual(shape(oneByOne));
    }),
  );
});
