import * as O from "../opcode.ts";

/** What a mnemonic takes, and the fields that it fixes. */
export interface Mnemonic {
  form: "alu" | "unary" | "jump" | "goto" | "load" | "store" | "storeImm" | "wide" | "call" | "exit" | "atomic";
  code: number;
  off?: number;
  imm?: number;
}

const ALU: Record<string, [op: number, off?: number]> = {
  add: [O.BPF_ADD],
  sub: [O.BPF_SUB],
  mul: [O.BPF_MUL],
  div: [O.BPF_DIV],
  sdiv: [O.BPF_DIV, 1],
  or: [O.BPF_OR],
  and: [O.BPF_AND],
  lsh: [O.BPF_LSH],
  rsh: [O.BPF_RSH],
  mod: [O.BPF_MOD],
  smod: [O.BPF_MOD, 1],
  xor: [O.BPF_XOR],
  mov: [O.BPF_MOV],
  arsh: [O.BPF_ARSH],
};

const JUMPS: Record<string, number> = {
  jeq: O.BPF_JEQ,
  jgt: O.BPF_JGT,
  jge: O.BPF_JGE,
  jset: O.BPF_JSET,
  jne: O.BPF_JNE,
  jsgt: O.BPF_JSGT,
  jsge: O.BPF_JSGE,
  jlt: O.BPF_JLT,
  jle: O.BPF_JLE,
  jslt: O.BPF_JSLT,
  jsle: O.BPF_JSLE,
};

const SIZES: Record<string, number> = { b: O.BPF_B, h: O.BPF_H, w: O.BPF_W, dw: O.BPF_DW };

const ATOMICS: Record<string, number> = {
  add: O.BPF_ADD,
  or: O.BPF_OR,
  and: O.BPF_AND,
  xor: O.BPF_XOR,
  xchg: O.BPF_XCHG,
  cmpxchg: O.BPF_CMPXCHG,
};

const SWAPS: Record<string, number> = {
  le: O.BPF_ALU | O.BPF_END | O.BPF_TO_LE,
  be: O.BPF_ALU | O.BPF_END | O.BPF_TO_BE,
  swap: O.BPF_ALU64 | O.BPF_END,
  bswap: O.BPF_ALU64 | O.BPF_END,
};

/** Instructions by mnemonic; `lock` and `lock fetch` are written before those of ATOMIC_MNEMONICS. */
export const MNEMONICS: ReadonlyMap<string, Mnemonic> = new Map(all());
export const ATOMIC_MNEMONICS: ReadonlyMap<string, Mnemonic> = new Map(
  Object.entries(ATOMICS).flatMap(([name, imm]): [string, Mnemonic][] => [
    [name, { form: "atomic", code: O.BPF_STX | O.BPF_ATOMIC | O.BPF_DW, imm }],
    [`${name}32`, { form: "atomic", code: O.BPF_STX | O.BPF_ATOMIC | O.BPF_W, imm }],
  ]),
);

function* all(): Generator<[string, Mnemonic]> {
  for (const [name, [op, off]] of Object.entries(ALU)) {
    for (const suffix of ["", "64"]) yield [name + suffix, { form: "alu", code: O.BPF_ALU64 | op, off }];
    yield [`${name}32`, { form: "alu", code: O.BPF_ALU | op, off }];
  }
  for (const bits of [8, 16, 32]) {
    if (bits < 32) yield [`movsx${bits}32`, { form: "alu", code: O.BPF_ALU | O.BPF_MOV, off: bits }];
    yield [`movsx${bits}64`, { form: "alu", code: O.BPF_ALU64 | O.BPF_MOV, off: bits }];
  }
  for (const [suffix, cls] of [["", O.BPF_ALU64] as const, ["64", O.BPF_ALU64] as const, ["32", O.BPF_ALU] as const])
    yield [`neg${suffix}`, { form: "unary", code: cls | O.BPF_NEG }];
  for (const [name, code] of Object.entries(SWAPS))
    for (const bits of [16, 32, 64]) yield [`${name}${bits}`, { form: "unary", code, imm: bits }];
  for (const [name, op] of Object.entries(JUMPS)) {
    yield [name, { form: "jump", code: O.BPF_JMP | op }];
    yield [`${name}32`, { form: "jump", code: O.BPF_JMP32 | op }];
  }
  yield ["ja", { form: "goto", code: O.JA }];
  yield ["ja32", { form: "goto", code: O.JA32 }];
  for (const [name, size] of Object.entries(SIZES)) {
    yield [`ldx${name}`, { form: "load", code: O.BPF_LDX | O.BPF_MEM | size }];
    yield [`stx${name}`, { form: "store", code: O.BPF_STX | O.BPF_MEM | size }];
    yield [`st${name}`, { form: "storeImm", code: O.BPF_ST | O.BPF_MEM | size }];
    if (name === "dw") continue;
    const load: Mnemonic = { form: "load", code: O.BPF_LDX | O.BPF_MEMSX | size };
    yield [`ldxs${name}`, load];
    yield [`ldx${name}sx`, load];
  }
  yield ["lddw", { form: "wide", code: O.LD_IMM64 }];
  yield ["call", { form: "call", code: O.CALL }];
  yield ["callx", { form: "call", code: O.CALLX }];
  yield ["exit", { form: "exit", code: O.EXIT }];
}
