import type { Insn } from "../../bpf/insn.ts";
import * as op from "../../bpf/opcode.ts";
import type { JitFunction } from "../../jit/function.ts";
import { addressOf, functionOf } from "./x86/function.ts";

const ALU = [op.BPF_ALU, op.BPF_ALU64];
const ARITHMETIC = [op.BPF_ADD, op.BPF_SUB, op.BPF_MUL, op.BPF_OR, op.BPF_AND, op.BPF_XOR, op.BPF_MOV];
const SHIFTS = [op.BPF_LSH, op.BPF_RSH, op.BPF_ARSH];
const DIVISIONS = [op.BPF_DIV, op.BPF_MOD];
const CONDITIONS = [
  op.BPF_JEQ,
  op.BPF_JNE,
  op.BPF_JGT,
  op.BPF_JGE,
  op.BPF_JLT,
  op.BPF_JLE,
  op.BPF_JSET,
  op.BPF_JSGT,
  op.BPF_JSGE,
  op.BPF_JSLT,
  op.BPF_JSLE,
];
const SIZES = [op.BPF_B, op.BPF_H, op.BPF_W, op.BPF_DW];
const NARROW = [op.BPF_B, op.BPF_H, op.BPF_W];
const WORDS = [op.BPF_W, op.BPF_DW];
const FETCHES = [op.BPF_ADD | op.BPF_FETCH, op.BPF_XCHG, op.BPF_CMPXCHG];
const LOOPS = [op.BPF_AND, op.BPF_OR, op.BPF_XOR].map((each) => each | op.BPF_FETCH);
const PLAIN_ATOMICS = [op.BPF_ADD, op.BPF_AND, op.BPF_OR, op.BPF_XOR];

/** An instruction without its registers. */
type Form = Omit<Insn, "dst" | "src">;

const forms = (codes: number[], fields: Partial<Form> = {}): Form[] =>
  codes.map((code) => ({ code, off: 0, imm: 0, ...fields }));
const combined = (...parts: number[][]): number[] =>
  parts.reduce((all, part) => all.flatMap((code) => part.map((each) => code | each)), [0]);

/** Every opcode that a verifier lets through to a JIT, in every form that is compiled in its own way. */
export const FORMS: readonly Form[] = [
  ...[0, 1, -1, 127, 128, -0x80000000].flatMap((imm) => forms(combined(ALU, ARITHMETIC), { imm })),
  ...forms(combined(ALU, [...ARITHMETIC, ...SHIFTS], [op.BPF_X])),
  ...[0, 1, 31].flatMap((imm) => forms(combined(ALU, SHIFTS), { imm })),
  ...[0, 1].flatMap((off) => forms(combined(ALU, DIVISIONS, [op.BPF_K, op.BPF_X]), { off, imm: 10 })),
  ...forms(combined(ALU, [op.BPF_NEG])),
  ...[16, 32, 64].flatMap((imm) =>
    forms([op.BPF_ALU | op.BPF_END, op.BPF_ALU | op.BPF_END | op.BPF_TO_BE, op.BPF_ALU64 | op.BPF_END], { imm }),
  ),
  ...[8, 16].flatMap((off) => forms(combined(ALU, [op.BPF_MOV | op.BPF_X]), { off })),
  ...forms([op.BPF_ALU64 | op.BPF_MOV | op.BPF_X], { off: 32 }),
  ...forms([op.BPF_ALU64 | op.BPF_MOV | op.BPF_X], { off: op.BPF_ADDR_PERCPU }),
  ...forms([op.BPF_ALU64 | op.BPF_MOV | op.BPF_X], { off: op.BPF_ADDR_SPACE_CAST, imm: 1 << 16 }),

  ...[0, 5, 128].flatMap((imm) => forms(combined([op.BPF_JMP, op.BPF_JMP32], CONDITIONS), { imm })),
  ...forms(combined([op.BPF_JMP, op.BPF_JMP32], CONDITIONS, [op.BPF_X])),
  ...forms([op.JA, op.JA32, op.JX, op.CALL, op.EXIT]),
  ...[0, 1].flatMap((imm) => forms([op.TAIL_CALL], { imm })),

  ...[0, -8, 128].flatMap((off) => [
    ...forms(combined([op.BPF_LDX | op.BPF_MEM, op.BPF_STX | op.BPF_MEM, op.BPF_ST | op.BPF_MEM], SIZES), { off }),
    ...forms(combined([op.BPF_LDX | op.BPF_MEMSX], NARROW), { off }),
    ...forms(combined([op.BPF_LDX | op.BPF_PROBE_MEM], SIZES), { off }),
    ...forms(combined([op.BPF_LDX | op.BPF_PROBE_MEMSX], NARROW), { off }),
    ...forms(combined([op.BPF_LDX, op.BPF_STX, op.BPF_ST], SIZES, [op.BPF_PROBE_MEM32]), { off }),
    ...forms(combined([op.BPF_LDX | op.BPF_PROBE_MEM32SX], NARROW), { off }),
  ]),
  ...forms([op.NOSPEC]),

  ...[...PLAIN_ATOMICS, ...FETCHES].flatMap((imm) =>
    forms(combined([op.BPF_STX], [op.BPF_ATOMIC, op.BPF_PROBE_ATOMIC], WORDS), { imm }),
  ),
  ...LOOPS.flatMap((imm) => forms(combined([op.BPF_STX | op.BPF_ATOMIC], WORDS), { imm })),
  ...[op.BPF_LOAD_ACQ, op.BPF_STORE_REL].flatMap((imm) =>
    forms(combined([op.BPF_STX], [op.BPF_ATOMIC, op.BPF_PROBE_ATOMIC], SIZES), { imm }),
  ),
];

/** All forms with these registers, and LD_IMM64 of values of every length; jumps go to the next instruction. */
export function corpus(dst: number, src: number): JitFunction {
  const wide = [0n, 1n, 0xffffffffn, -1n, -0x80000000n, 0x123456789abcdefn].flatMap((value): Insn[] => [
    { code: op.LD_IMM64, dst, src: 0, off: 0, imm: Number(BigInt.asIntN(32, value)) },
    { code: 0, dst: 0, src: 0, off: 0, imm: Number(BigInt.asIntN(32, value >> 32n)) },
  ]);
  const insns = [...wide, ...FORMS.map((form) => ({ ...form, dst, src }))];
  const calls = new Map(
    insns.flatMap(({ code }, slot) => (code === op.CALL ? [[slot, addressOf("bpf_ktime_get_ns")]] : [])),
  );
  return {
    ...functionOf("exit"),
    insns,
    calls,
    tailCallReachable: true,
    pokes: [{ map: "jmp_table", key: 0 }],
    arena: { kernel: 0xffffc90000a00000n, user: 0x7f1234000000n },
  };
}
