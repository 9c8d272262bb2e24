import { describe, expect, test } from "vitest";
import { PROG_TYPE_RAW_TRACEPOINT, PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import type { FastcallFeatures } from "../../../bpf/verifier/fastcall/features.ts";
import { type KernelFeatures, linux6_1, linux6_12, linux6_18, linux7_2 } from "../../../bpf/verifier/index.ts";
import { type Setting, xlate, xlatedText } from "./xlate.ts";

const type = PROG_TYPE_RAW_TRACEPOINT;
const CPU = "call bpf_get_smp_processor_id";
/** 6.12's verifier, changed. */
const kernel = (change: Partial<FastcallFeatures>): KernelFeatures => ({
  ...linux6_12,
  fastcall: { ...linux6_12.fastcall!, ...change },
});

const spill = (reg: number, off: number) => `*(u64 *)(r10 - ${off}) = r${reg}`;
const fill = (reg: number, off: number) => `r${reg} = *(u64 *)(r10 - ${off})`;
/** A call with pairs of [register, slot] around it, the innermost last. */
const around = (call: string, ...pairs: [reg: number, off: number][]): string =>
  [...pairs.map((pair) => spill(...pair)), call, ...pairs.toReversed().map((pair) => fill(...pair))].join("\n");

const program = (...parts: string[]) => [...parts, "exit"].join("\n");
/** Pairs that were removed at each call that lost any, and each function's bytes of stack. */
function removed(text: string, setting: Setting = {}): [pairs: number[], stack: number[]] {
  const { spillsRemoved = [], functions } = xlate(text, { type, ...setting });
  return [spillsRemoved.map(({ pairs }) => pairs), functions.map(({ stackDepth }) => stackDepth)];
}

const SIMPLE = program("r1 = 1", around(CPU, [1, 16]));

describe("spills and fills around a call that is inlined", () => {
  test("go, with the stack that only they used", () => {
    const all = program(
      ...[1, 2, 3, 4, 5].map((r) => `r${r} = ${r}`),
      around(CPU, [1, 16], [2, 24], [3, 32], [4, 40], [5, 48]),
    );
    expect(removed(all)).toEqual([[5], [8]]);
    expect(removed(all, { kernel: linux6_1 })).toEqual([[], [48]]);
    expect(xlatedText(SIMPLE, { type, kernel: linux6_12 }).slice(2)).toEqual([
      "w0 = 0",
      "r0 = &(void __percpu *)(r0)",
      "r0 = *(u32 *)(r0 + 0)",
      "exit",
    ]);
  });

  test("where the JIT inlines it, the call stays", () => {
    const arm64: KernelFeatures = { ...linux6_12, cpuNumber: null, jitInlines: ["get_smp_processor_id"] };
    expect(removed(SIMPLE, { kernel: arm64 })).toEqual([[1], [8]]);
    expect(xlatedText(SIMPLE, { type, kernel: arm64 }).slice(1)).toEqual(["r1 = 1", CPU, "exit"]);
    expect(removed(SIMPLE, { kernel: { ...arm64, jitInlines: [] } })).toEqual([[], [16]]);
  });

  test("casts are inlined, too: to a move", () => {
    const cast = program("r2 = 1", around("call kfunc bpf_cast_to_kern_ctx", [2, 32]), "r0 = r2");
    expect(xlatedText(cast, { type: PROG_TYPE_SCHED_CLS, kernel: linux6_18 }).slice(1)).toEqual([
      "r2 = 1",
      "r0 = r1",
      "r0 = r2",
      "exit",
    ]);
    const readOnly = program("r2 = 1", "r3 = 7", around("call kfunc bpf_rdonly_cast", [3, 8]), "r0 = r3");
    expect(removed(readOnly)).toEqual([[1], [0]]);
    expect(() => xlate(program("r1 = 1", "call kfunc bpf_cast_to_kern_ctx"), { type: PROG_TYPE_SCHED_CLS })).toThrow(
      "R1 type=scalar expected=ctx",
    );
  });

  test("of registers that it takes as arguments stay", () => {
    const argument = program("r2 = 1", "r3 = 7", around("call kfunc bpf_rdonly_cast", [2, 8]), "r0 = 0");
    expect(removed(argument)).toEqual([[], [8]]);
  });

  test("may lie below the 512 bytes, as long as they go", () => {
    const deep = (last: string) => program("r1 = 1", spill(1, 512), around(CPU, [1, 520]), "r1 = r10", "r0 = 0", last);
    expect(removed(deep("r0 = 0"))).toEqual([[1], [512]]);
    expect(() => xlate(deep("r0 = *(u64 *)(r1 - 512)\nr0 = *(u64 *)(r10 - 520)"), { type })).toThrow(
      /^invalid read from stack off=-520 size=8|combined stack size/,
    );
    expect(() => xlate(deep("r0 = 0"), { type, kernel: { ...linux6_12, fastcall: null } })).toThrow(
      "invalid write to stack off=-520 size=8",
    );
  });
});

describe("all pairs of a function stay when anybody else uses their slots:", () => {
  const BETWEEN = (...after: string[]) => program("r6 = r1", "r1 = 1", around(CPU, [1, 8]), ...after, "r0 = 0");
  const VARYING = ["r6 = *(u64 *)(r6 + 0)", "r6 &= 7", "r6 += -8", "r7 = r10", "r7 += r6"];
  const SUB = (access: string) => `${BETWEEN("r1 = r10", "r1 += -8", "call sub")}\nsub:\nr0 = 1\n${access}\nexit`;

  test.each([
    ["a load", BETWEEN(fill(2, 8))],
    ["a narrow load", BETWEEN("r2 = *(u8 *)(r10 - 1)")],
    ["a store", BETWEEN("r2 = r10", "r2 += -8", "*(u64 *)(r2 + 0) = 5")],
    ["a load somewhere there", BETWEEN(...VARYING, "r1 = *(u8 *)(r7 + 0)")],
    ["a store somewhere there", BETWEEN(...VARYING, "*(u8 *)(r7 + 0) = 5")],
    ["an atomic operation", BETWEEN("r2 = 1", "lock *(u64 *)(r10 - 8) += r2")],
    ["a helper that writes", BETWEEN("r1 = r10", "r1 += -8", "r2 = 8", "r3 = 42", "call bpf_probe_read_kernel")],
    ["a callee that writes", SUB("*(u64 *)(r1 + 0) = r0")],
    ["a callee that writes somewhere there", SUB("r0 = *(u64 *)(r1 + 0)\nr0 &= 7\nr1 += r0\n*(u8 *)(r1 + 0) = 1")],
  ])("%s", (_, text) => {
    expect(removed(text)[0]).toEqual([]);
    expect(removed(text)[1][0]).toBe(8);
    expect(removed(text, { kernel: kernel({ without: "contract" }) })[0]).toEqual([1]);
  });

  test("other functions' go", () => {
    const text = `${BETWEEN(fill(2, 8), "call sub")}\nsub:\nr1 = 1\n${around(CPU, [1, 8])}\nexit`;
    expect(removed(text)).toEqual([[1], [8, 0]]);
  });
});

describe("what makes a pair:", () => {
  const none = (text: string) => expect(removed(text)[0]).toEqual([]);

  test("a spill in the slot below all others", () => {
    const upper = around(CPU, [1, 8], [2, 16]);
    const lower = around(CPU, [1, 24], [2, 32]);
    expect(removed(program("r1 = 1", "r2 = 2", upper, lower))).toEqual([[2], [16]]);
  });

  test("a call that stays keeps the stack, not the pairs of others", () => {
    const text = program("r1 = 1", around(CPU, [1, 8]), around("call bpf_get_prandom_u32", [1, 8]));
    expect(removed(text)).toEqual([[1], [8]]);
    expect(xlatedText(text, { type }).filter((line) => line.includes("r10"))).toEqual([spill(1, 8), fill(1, 8)]);
  });

  test("8 bytes, through r10, the same register and slot, nothing in between", () => {
    none(program("r1 = 1", "*(u32 *)(r10 - 16) = r1", CPU, "r1 = *(u32 *)(r10 - 16)"));
    none(program("r1 = 1", "r2 = r10", "*(u64 *)(r2 - 16) = r1", CPU, fill(1, 16)));
    none(program("r1 = 1", spill(1, 16), CPU, fill(2, 16)));
    none(program("r1 = 1", spill(1, 8), spill(1, 16), CPU, fill(1, 8)));
    none(program("r1 = 1", spill(1, 16), CPU, "r2 = 1", fill(1, 16)));
  });

  test("a register that no pair further in is of", () => {
    expect(removed(program("r1 = 1", around(CPU, [1, 8], [1, 16])))).toEqual([[1], [8]]);
    expect(removed(program("r1 = 1", "r2 = 2", around(CPU, [1, 8], [2, 16])))).toEqual([[2], [0]]);
  });

  test("a register that the call spares", () => {
    none(program("r0 = 1", around(CPU, [0, 16])));
    none(program("r6 = 1", around(CPU, [6, 16])));
    none(program("r1 = 1", around("call bpf_get_prandom_u32", [1, 16])));
  });
});

describe("other features that take stack come after it is given back", () => {
  test("may_goto: 8 bytes, 16 with a clock", () => {
    const text = program("r1 = 1", around(CPU, [1, 16]), "may_goto +1", spill(1, 8));
    expect(removed(text)).toEqual([[1], [16]]);
    expect(removed(text, { kernel: linux7_2 })).toEqual([[1], [24]]);
  });

  test("bpf_loop(): 24 bytes below what is left", () => {
    const loop = (...before: string[]) =>
      `${program("r1 = 1", ...before, "r2 = callback ll", "r3 = 0", "r4 = 0", "call bpf_loop", "r0 = 0")}\ncallback:\nr0 = 0\nexit`;
    expect(removed(loop(around(CPU, [1, 16])))).toEqual([[1], [32, 0]]);
    expect(removed(loop(around(CPU, [1, 16]), around("call bpf_get_prandom_u32", [1, 16])))).toEqual([[1], [40, 0]]);
  });

  test("callees have the room that their callers' spills do not take", () => {
    const text = `${program("r1 = 42", spill(1, 512), "call sub")}\nsub:\n${around(CPU, [1, 8])}\nexit`;
    expect(removed(text)).toEqual([[1], [512, 0]]);
    expect(() => xlate(text, { type, kernel: linux6_1 })).toThrow("combined stack size of 2 calls is 544. Too large");
  });
});

describe("the RFC", () => {
  const rfc = kernel({ era: "rfc" });

  test("does not give stack back", () => {
    expect(removed(SIMPLE, { kernel: rfc })).toEqual([[1], [16]]);
  });

  test("knows pairs of calls that are inlined only: those of others keep all", () => {
    const text = program("r1 = 1", around(CPU, [1, 8]), around("call bpf_get_prandom_u32", [1, 8]));
    expect(removed(text, { kernel: rfc })).toEqual([[], [8]]);
  });

  test("begins in any slot, and keeps pairs that are not below all others' end", () => {
    const pairs = program("r1 = 1", "r2 = 2", around(CPU, [1, 8], [2, 16]), around(CPU, [1, 16], [2, 24]));
    expect(removed(pairs, { kernel: rfc })).toEqual([[2], [24]]);
    const other = program("r1 = 1", "r2 = 2", spill(2, 24), around(CPU, [1, 16]), fill(2, 24));
    expect(removed(other, { kernel: rfc })).toEqual([[], [24]]);
  });

  test("knows no kernel functions", () => {
    const cast = program("r2 = 1", around("call kfunc bpf_cast_to_kern_ctx", [2, 32]), "r0 = r2");
    expect(removed(cast, { type: PROG_TYPE_SCHED_CLS, kernel: rfc })).toEqual([[], [32]]);
  });
});

describe("uses that the kernel does not see, and a strict verifier does:", () => {
  const strict = kernel({ strict: true });
  const READ = "r1 = r10\nr1 += -8\ncall sub";

  test.each([
    ["a callee that reads", `${program("r1 = 1", around(CPU, [1, 8]), READ)}\nsub:\nr0 = *(u64 *)(r1 + 0)\nexit`],
    [
      "a helper that reads",
      program("r1 = 1", around(CPU, [1, 8]), "r2 = r10", "r2 += -8", "r1 = hash ll", "call bpf_map_delete_elem"),
    ],
    ["a jump between spill and fill", program("r1 = 1", "if r1 == 7 goto fill", spill(1, 8), CPU, "fill:", fill(1, 8))],
    [
      "the second slot of a call with two pairs, where another has one",
      program("r1 = 1", "r2 = 2", around(CPU, [1, 8], [2, 16]), around(CPU, [2, 16]), fill(3, 8)),
    ],
  ])("%s", (_, text) => {
    expect(removed(text)[0]).not.toEqual([]);
    expect(removed(text, { kernel: strict })[0]).toEqual([]);
  });
});
