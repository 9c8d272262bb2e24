import * as O from "../opcode.ts";
import type { KInsn } from "../verifier/env.ts";
import { ja, mov32 } from "../verifier/insns.ts";
import type { ClassicInsn } from "./insn.ts";
import { BPF_REG_A, BPF_REG_TMP, BPF_REG_X } from "./registers.ts";

/** A jump whose distance is not known yet. */
export interface Jump {
  insn: KInsn;
  /** classic instruction that it goes to */
  target: number;
}

/** Comparisons that have an opposite in extended BPF. */
const OPPOSITE: Record<number, number> = {
  [O.BPF_JEQ]: O.BPF_JNE,
  [O.BPF_JGT]: O.BPF_JLE,
  [O.BPF_JGE]: O.BPF_JLT,
};

/**
 * The jumps of bpf_convert_filter(): one where either way leads to the next instruction, else a conditional one and a `ja`.
 * A constant with its top bit set goes through TMP, as immediates are sign-extended.
 */
export function convertJump({ code, jt, jf, k }: ClassicInsn, slot: number): (KInsn | Jump)[] {
  const to = (distance: number): number => slot + 1 + distance;
  if (code === (O.BPF_JMP | O.BPF_JA)) return [{ insn: ja(0), target: to(k) }];
  const op = O.opOf(code);
  const isWide = !O.isX(code) && (k | 0) < 0;
  const first = isWide ? [mov32(BPF_REG_TMP, k | 0)] : [];
  const compare = (operation: number): KInsn => {
    if (isWide) return { code: O.BPF_JMP | operation | O.BPF_X, dst: BPF_REG_A, src: BPF_REG_TMP, off: 0, imm: 0 };
    const src = O.isX(code) ? BPF_REG_X : 0;
    return { code: O.BPF_JMP | operation | (code & O.BPF_X), dst: BPF_REG_A, src, off: 0, imm: k | 0 };
  };
  if (jf === 0) return [...first, { insn: compare(op), target: to(jt) }];
  const opposite = OPPOSITE[op];
  if (jt === 0 && opposite !== undefined) return [...first, { insn: compare(opposite), target: to(jf) }];
  return [...first, { insn: compare(op), target: to(jt) }, { insn: ja(0), target: to(jf) }];
}
