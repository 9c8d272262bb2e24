import * as O from "../opcode.ts";
import type { Env } from "./env.ts";
import { VerifierError } from "./error.ts";

const ALU_OPS = [
  O.BPF_ADD,
  O.BPF_SUB,
  O.BPF_MUL,
  O.BPF_DIV,
  O.BPF_OR,
  O.BPF_AND,
  O.BPF_LSH,
  O.BPF_RSH,
  O.BPF_MOD,
  O.BPF_XOR,
  O.BPF_MOV,
  O.BPF_ARSH,
];
const JUMP_OPS = [
  O.BPF_JEQ,
  O.BPF_JGT,
  O.BPF_JGE,
  O.BPF_JSET,
  O.BPF_JNE,
  O.BPF_JSGT,
  O.BPF_JSGE,
  O.BPF_JLT,
  O.BPF_JLE,
  O.BPF_JSLT,
  O.BPF_JSLE,
];
const SIZES = [O.BPF_B, O.BPF_H, O.BPF_W, O.BPF_DW];

/** Jumps since 4.14. */
const LESS_OPS = [O.BPF_JLT, O.BPF_JLE, O.BPF_JSLT, O.BPF_JSLE];

const tables = new WeakMap<Env["kernel"], Set<number>>();

/** Opcodes that a kernel of this time knows at all (bpf_opcode_in_insntable). */
function knownOpcodes(kernel: Env["kernel"]): Set<number> {
  const known = tables.get(kernel) ?? opcodeTable(kernel);
  tables.set(kernel, known);
  return known;
}

function opcodeTable({ cpuV4, loadAcquire, mayGoto, functionCalls }: Env["kernel"]): Set<number> {
  const known = new Set<number>([O.CALL, O.EXIT, O.BPF_JMP | O.BPF_JA, O.LD_IMM64]);
  const add = (...codes: number[]) => {
    for (const c of codes) known.add(c);
  };
  for (const cls of [O.BPF_ALU, O.BPF_ALU64]) {
    for (const op of ALU_OPS) add(cls | op | O.BPF_K, cls | op | O.BPF_X);
    add(cls | O.BPF_NEG);
  }
  add(O.BPF_ALU | O.BPF_END | O.BPF_TO_LE, O.BPF_ALU | O.BPF_END | O.BPF_TO_BE);
  const jumps = functionCalls ? JUMP_OPS : JUMP_OPS.filter((op) => !LESS_OPS.includes(op));
  for (const cls of functionCalls ? [O.BPF_JMP, O.BPF_JMP32] : [O.BPF_JMP])
    for (const op of jumps) add(cls | op | O.BPF_K, cls | op | O.BPF_X);
  if (functionCalls) add(O.BPF_JMP32 | O.BPF_JA);
  for (const size of SIZES) {
    add(O.BPF_LDX | O.BPF_MEM | size, O.BPF_ST | O.BPF_MEM | size, O.BPF_STX | O.BPF_MEM | size);
    if (size !== O.BPF_DW) add(O.BPF_LD | O.BPF_ABS | size, O.BPF_LD | O.BPF_IND | size);
    if (size === O.BPF_W || size === O.BPF_DW || loadAcquire) add(O.BPF_STX | O.BPF_ATOMIC | size);
    if (cpuV4 && size !== O.BPF_DW) add(O.BPF_LDX | O.BPF_MEMSX | size);
  }
  if (cpuV4) add(O.BPF_ALU64 | O.BPF_END | O.BPF_TO_LE);
  if (mayGoto !== "none") add(O.BPF_JMP | O.BPF_JCOND);
  return known;
}

/** resolve_pseudo_ldimm64(): every slot holds an instruction this kernel knows, loads of 64 bits have both halves. */
export function checkOpcodes(env: Env): void {
  const known = knownOpcodes(env.kernel);
  const { insns } = env;
  const fail = (i: number, message: string): never => {
    throw new VerifierError(i, message);
  };
  for (let i = 0; i < insns.length; i++) {
    const { code, imm, off } = insns[i];
    if (O.classOf(code) === O.BPF_LDX) {
      const mode = O.modeOf(code);
      if (imm || (mode !== O.BPF_MEM && !(mode === O.BPF_MEMSX && env.kernel.cpuV4)))
        fail(i, "BPF_LDX uses reserved fields");
    }
    if (code === O.LD_IMM64) {
      const high = insns[i + 1];
      if (!high || high.code || high.dst || high.src || high.off) fail(i, "invalid bpf_ld_imm64 insn");
      if (off) fail(i, "BPF_LD_IMM64 uses reserved fields");
      i++;
    } else if (!known.has(code)) fail(i, `unknown opcode ${code.toString(16).padStart(2, "0")}`);
  }
}
