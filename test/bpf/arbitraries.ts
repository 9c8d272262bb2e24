import fc from "fast-check";
import type { Insn } from "../../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_ATOMIC,
  BPF_B,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_DW,
  BPF_END,
  BPF_FETCH,
  BPF_H,
  BPF_JMP,
  BPF_JMP32,
  BPF_JSLE,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_LSH,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_SUB,
  BPF_TO_BE,
  BPF_W,
  BPF_X,
  BPF_XCHG,
  BPF_XOR,
  EXIT,
  JA,
  JA32,
  LD_IMM64,
} from "../../bpf/opcode.ts";

const register = fc.integer({ min: 0, max: 10 });
const small = fc.constantFrom(0, 0, 0, 1, 8, 16, 32, 64, -1);
const off = fc.oneof(small, fc.integer({ min: -32768, max: 32767 }));
const imm = fc.oneof(
  small,
  fc.constantFrom(0x41, 0x51, 0xa1, BPF_XCHG, BPF_CMPXCHG, BPF_LOAD_ACQ, BPF_STORE_REL),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);

/** Any slot, with field values that mean something more often than chance would have it. */
export const anyInsn: fc.Arbitrary<Insn> = fc.record({
  code: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(LD_IMM64, 0)),
  dst: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15 })),
  src: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15 })),
  off,
  imm,
});

const insn = (fields: Partial<Record<keyof Insn, fc.Arbitrary<number>>>): fc.Arbitrary<Insn> => {
  const zero = fc.constant(0);
  return fc.record({ code: zero, dst: zero, src: zero, off: zero, imm: zero, ...fields });
};
const codes = (...parts: number[][]): fc.Arbitrary<number> =>
  fc.tuple(...parts.map((part) => fc.constantFrom(...part))).map((chosen) => chosen.reduce((a, b) => a | b));

const ALU = [BPF_ALU, BPF_ALU64];
const OPS = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_XOR, BPF_MOV, BPF_ARSH];
const SIZES = [BPF_B, BPF_H, BPF_W, BPF_DW];
const ATOMICS = [BPF_ADD, BPF_OR, BPF_AND, BPF_XOR].flatMap((op) => [op, op | BPF_FETCH]);
const CONDITIONS = Array.from({ length: BPF_JSLE >> 4 }, (_, i) => (i + 1) << 4).filter(
  (op) => op !== 0x80 && op !== 0x90,
);

const one: fc.Arbitrary<Insn> = fc.oneof(
  insn({ code: codes(ALU, [...OPS, BPF_DIV, BPF_MOD], [BPF_X]), dst: register, src: register }),
  insn({ code: codes(ALU, OPS), dst: register, imm }),
  insn({ code: codes(ALU, [BPF_DIV, BPF_MOD], [BPF_X]), dst: register, src: register, off: fc.constantFrom(0, 1) }),
  insn({ code: codes(ALU, [BPF_MOV | BPF_X]), dst: register, src: register, off: fc.constantFrom(8, 16) }),
  insn({ code: codes(ALU, [BPF_NEG]), dst: register }),
  insn({ code: codes([BPF_ALU | BPF_END], [0, BPF_TO_BE]), dst: register, imm: fc.constantFrom(16, 32, 64) }),
  insn({ code: codes([BPF_ALU64 | BPF_END]), dst: register, imm: fc.constantFrom(16, 32, 64) }),
  insn({ code: codes([BPF_LDX | BPF_MEM, BPF_STX | BPF_MEM], SIZES), dst: register, src: register, off }),
  insn({ code: codes([BPF_LDX | BPF_MEMSX], [BPF_B, BPF_H, BPF_W]), dst: register, src: register, off }),
  insn({ code: codes([BPF_ST | BPF_MEM], SIZES), dst: register, off, imm }),
  insn({
    code: codes([BPF_STX | BPF_ATOMIC], [BPF_W, BPF_DW]),
    dst: register,
    src: register,
    off,
    imm: fc.constantFrom(...ATOMICS, BPF_XCHG, BPF_CMPXCHG, BPF_LOAD_ACQ, BPF_STORE_REL),
  }),
  insn({ code: codes([BPF_JMP, BPF_JMP32], CONDITIONS), dst: register, off, imm }),
  insn({ code: codes([BPF_JMP, BPF_JMP32], CONDITIONS, [BPF_X]), dst: register, src: register, off }),
  insn({ code: fc.constant(JA), off }),
  insn({ code: fc.constant(JA32), imm }),
  insn({ code: fc.constant(EXIT) }),
);

const wide: fc.Arbitrary<Insn[]> = fc.tuple(register, imm, imm).map(([dst, low, high]) => [
  { code: LD_IMM64, dst, src: 0, off: 0, imm: low },
  { code: 0, dst: 0, src: 0, off: 0, imm: high },
]);

/** Slots that are valid one by one: encodings that a verifier knows, jumps to anywhere. */
export const validInsns: fc.Arbitrary<Insn[]> = fc
  .array(fc.oneof({ weight: 9, arbitrary: one.map((single) => [single]) }, { weight: 1, arbitrary: wide }), {
    maxLength: 30,
  })
  .map((groups) => groups.flat());
