import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_B,
  BPF_DIV,
  BPF_DW,
  BPF_H,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_TO_BE,
  BPF_TO_LE,
  BPF_W,
  BPF_XOR,
} from "./opcode.ts";

/** The words of LLVM's BPF assembly (llvm/lib/Target/BPF/BPFInstrInfo.td), which assembler and disassembler share. */

/** `dst OP= src`: operation and off (1 makes division signed). `=` is not among them: it starts a dozen forms. */
export const ALU_OPERATORS: ReadonlyMap<string, { op: number; off: number }> = new Map([
  ["+=", { op: BPF_ADD, off: 0 }],
  ["-=", { op: BPF_SUB, off: 0 }],
  ["*=", { op: BPF_MUL, off: 0 }],
  ["/=", { op: BPF_DIV, off: 0 }],
  ["s/=", { op: BPF_DIV, off: 1 }],
  ["%=", { op: BPF_MOD, off: 0 }],
  ["s%=", { op: BPF_MOD, off: 1 }],
  ["|=", { op: BPF_OR, off: 0 }],
  ["&=", { op: BPF_AND, off: 0 }],
  ["^=", { op: BPF_XOR, off: 0 }],
  ["<<=", { op: BPF_LSH, off: 0 }],
  [">>=", { op: BPF_RSH, off: 0 }],
  ["s>>=", { op: BPF_ARSH, off: 0 }],
]);

export const JUMP_OPERATORS: ReadonlyMap<string, number> = new Map([
  ["==", BPF_JEQ],
  ["!=", BPF_JNE],
  [">", BPF_JGT],
  [">=", BPF_JGE],
  ["<", BPF_JLT],
  ["<=", BPF_JLE],
  ["s>", BPF_JSGT],
  ["s>=", BPF_JSGE],
  ["s<", BPF_JSLT],
  ["s<=", BPF_JSLE],
  ["&", BPF_JSET],
]);

/** `*(u32 *)`: size field of the opcode, and whether a load extends the sign. */
export const ACCESS_TYPES: ReadonlyMap<string, { size: number; signed: boolean }> = new Map([
  ["u8", { size: BPF_B, signed: false }],
  ["u16", { size: BPF_H, signed: false }],
  ["u32", { size: BPF_W, signed: false }],
  ["u64", { size: BPF_DW, signed: false }],
  ["s8", { size: BPF_B, signed: true }],
  ["s16", { size: BPF_H, signed: true }],
  ["s32", { size: BPF_W, signed: true }],
]);

/** `dst = be16 dst`: code (class, BPF_END, direction) without BPF_END, and the width in bits that goes into imm. */
export const BYTE_ORDERS: ReadonlyMap<string, { code: number; bits: number }> = new Map(
  [16, 32, 64].flatMap((bits) => [
    [`le${bits}`, { code: BPF_ALU | BPF_TO_LE, bits }] as const,
    [`be${bits}`, { code: BPF_ALU | BPF_TO_BE, bits }] as const,
    [`bswap${bits}`, { code: BPF_ALU64 | BPF_TO_LE, bits }] as const,
  ]),
);

/** `lock *(u64 *)(dst + off) OP= src` and `atomic_fetch_NAME`. */
export const ATOMIC_OPERATIONS = [
  { op: BPF_ADD, operator: "+=", name: "add" },
  { op: BPF_OR, operator: "|=", name: "or" },
  { op: BPF_AND, operator: "&=", name: "and" },
  { op: BPF_XOR, operator: "^=", name: "xor" },
] as const;

/** Operation of an ALU instruction -> its operator. */
export const aluOperator = (op: number, off: number): string | undefined =>
  op === BPF_MOV ? "=" : find(ALU_OPERATORS, (word) => word.op === op && word.off === off);

export const jumpOperator = (op: number): string | undefined => find(JUMP_OPERATORS, (word) => word === op);

export const accessType = (size: number, signed: boolean): string | undefined =>
  find(ACCESS_TYPES, (type) => type.size === size && type.signed === signed);

function find<T>(words: ReadonlyMap<string, T>, wanted: (value: T) => boolean): string | undefined {
  for (const [word, value] of words) if (wanted(value)) return word;
  return undefined;
}
