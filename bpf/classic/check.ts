import * as O from "../opcode.ts";
import { ClassicError } from "./error.ts";
import type { ClassicInsn } from "./insn.ts";
import * as C from "./opcode.ts";

const OPERATIONS = [
  O.BPF_ADD,
  O.BPF_SUB,
  O.BPF_MUL,
  O.BPF_DIV,
  O.BPF_MOD,
  O.BPF_AND,
  O.BPF_OR,
  O.BPF_XOR,
  O.BPF_LSH,
  O.BPF_RSH,
];
const COMPARISONS = [O.BPF_JEQ, O.BPF_JGE, O.BPF_JGT, O.BPF_JSET];
const SIZES = [O.BPF_W, O.BPF_H, O.BPF_B];

const RET_K = C.BPF_RET | O.BPF_K;
const RET_A = C.BPF_RET | C.BPF_A;
const JA = O.BPF_JMP | O.BPF_JA;
const CONDITIONAL = new Set(COMPARISONS.flatMap((op) => [O.BPF_JMP | op | O.BPF_K, O.BPF_JMP | op | O.BPF_X]));
const ABSOLUTE_LOADS = new Set(SIZES.map((size) => O.BPF_LD | size | O.BPF_ABS));
const MEMORY = new Set([O.BPF_LD | O.BPF_MEM, O.BPF_LDX | O.BPF_MEM, O.BPF_ST, O.BPF_STX]);

/** chk_code_allowed() */
const ALLOWED = new Set([
  ...OPERATIONS.flatMap((op) => [O.BPF_ALU | op | O.BPF_K, O.BPF_ALU | op | O.BPF_X]),
  O.BPF_ALU | O.BPF_NEG,
  ...ABSOLUTE_LOADS,
  ...SIZES.map((size) => O.BPF_LD | size | O.BPF_IND),
  O.BPF_LD | O.BPF_W | C.BPF_LEN,
  O.BPF_LD | O.BPF_IMM,
  O.BPF_LDX | O.BPF_W | C.BPF_LEN,
  O.BPF_LDX | O.BPF_B | C.BPF_MSH,
  O.BPF_LDX | O.BPF_IMM,
  ...MEMORY,
  C.BPF_MISC | C.BPF_TAX,
  C.BPF_MISC | C.BPF_TXA,
  RET_K,
  RET_A,
  JA,
  ...CONDITIONAL,
]);

/**
 * Whether the kernel takes a classic filter: bpf_check_basics_ok(), bpf_check_classic() and check_load_and_stores() of
 * net/core/filter.c, which have been the same since 4.18. Throws ClassicError for the first instruction that it does not take.
 */
export function checkClassic(insns: readonly ClassicInsn[]): void {
  if (insns.length === 0) throw new ClassicError(0, "a filter has at least one instruction");
  if (insns.length > C.BPF_MAXINSNS)
    throw new ClassicError(C.BPF_MAXINSNS, `a filter has at most ${C.BPF_MAXINSNS} instructions, not ${insns.length}`);
  insns.forEach((insn, pc) => {
    const problem = problemOf(insn, insns.length - pc - 1);
    if (problem) throw new ClassicError(pc, problem);
  });
  const last = insns.length - 1;
  if (insns[last].code !== RET_K && insns[last].code !== RET_A)
    throw new ClassicError(last, "the last instruction is no ret");
  checkMemory(insns);
}

/** `left`: how many instructions come after this one. */
function problemOf({ code, jt, jf, k }: ClassicInsn, left: number): string | undefined {
  if (!ALLOWED.has(code)) return `unknown opcode 0x${code.toString(16).padStart(2, "0")}`;
  if (CONDITIONAL.has(code)) return jt >= left || jf >= left ? "a jump out of the filter" : undefined;
  if (MEMORY.has(code)) return k >= C.BPF_MEMWORDS ? `there is no M[${k}]` : undefined;
  if (ABSOLUTE_LOADS.has(code)) {
    const ancillary = k - (C.SKF_AD_OFF >>> 0);
    const known = ancillary < C.SKF_AD_MAX && ancillary % 4 === 0;
    return ancillary >= 0 && !known ? `there is nothing at SKF_AD_OFF + ${ancillary}` : undefined;
  }
  switch (code) {
    case O.BPF_ALU | O.BPF_DIV | O.BPF_K:
    case O.BPF_ALU | O.BPF_MOD | O.BPF_K:
      return k === 0 ? "division by 0" : undefined;
    case O.BPF_ALU | O.BPF_LSH | O.BPF_K:
    case O.BPF_ALU | O.BPF_RSH | O.BPF_K:
      return k >= 32 ? `a shift of 32 bits by ${k}` : undefined;
    case JA:
      return k >= left ? "a jump out of the filter" : undefined;
    default:
      return undefined;
  }
}

/** check_load_and_stores(): no path reads a word of M[] that it has not written. All jumps go forward, so one pass tells. */
function checkMemory(insns: readonly ClassicInsn[]): void {
  const written = new Uint16Array(insns.length).fill(0xffff);
  let now = 0;
  insns.forEach(({ code, jt, jf, k }, pc) => {
    now &= written[pc];
    if (code === O.BPF_ST || code === O.BPF_STX) now |= 1 << k;
    else if (MEMORY.has(code)) {
      if (!(now & (1 << k))) throw new ClassicError(pc, `M[${k}] is read before it is written`);
    } else if (code === JA || CONDITIONAL.has(code)) {
      for (const skip of code === JA ? [k] : [jt, jf]) written[pc + 1 + skip] &= now;
      now = 0xffff;
    }
  });
}
