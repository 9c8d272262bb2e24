import type { Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import type { FuncInfo } from "../program.ts";
import { VerifierError } from "./error.ts";
import { distanceField } from "./patch.ts";

const MAX_SUBPROGS = 256;

/**
 * First slots of a program's functions, ascending, as add_subprog() finds them: slot 0, and whatever is called (BPF_PSEUDO_CALL) or has its
 * address taken (BPF_PSEUDO_FUNC). Throws VerifierError for a target outside the program.
 */
export function functionStarts(insns: readonly Insn[]): number[] {
  const starts = new Set([0]);
  for (let i = 0; i < insns.length; i++) {
    const { code, src, imm } = insns[i];
    const called = code === O.CALL && src === O.BPF_PSEUDO_CALL;
    const addressed = code === O.LD_IMM64 && src === O.BPF_PSEUDO_FUNC;
    if (!called && !addressed) continue;
    const start = i + imm + 1;
    if (start < 0 || start >= insns.length) throw new VerifierError(i, `call to invalid destination insn ${start}`);
    starts.add(start);
  }
  if (starts.size > MAX_SUBPROGS) throw new VerifierError(0, "too many subprograms");
  return [...starts].sort((a, b) => a - b);
}

/** Names of the functions: as func_info says, or f0, f1, ... */
export function functionNames(starts: readonly number[], infos: readonly FuncInfo[]): string[] {
  if (infos.length === 0) return starts.map((_, i) => `f${i}`);
  return starts.map((start, i) => {
    const info = infos[i];
    if (info?.start !== start)
      throw new VerifierError(start, "func_info BTF section doesn't match subprog layout in BPF program");
    return info.name;
  });
}

/** check_subprogs(): no jump leaves its function, no function runs out of its end. */
export function checkFunctions(insns: readonly Insn[], starts: readonly number[]): void {
  starts.forEach((start, f) => {
    const end = starts[f + 1] ?? insns.length;
    for (let i = start; i < end; i++) {
      const insn = insns[i];
      const field = distanceField(insn);
      if (field && O.opOf(insn.code) !== O.BPF_CALL && insn.code !== O.LD_IMM64) {
        const to = i + insn[field] + 1;
        if (to < start || to >= end) throw new VerifierError(i, `jump out of range from insn ${i} to ${to}`);
      }
      if (insn.code === O.LD_IMM64) i++;
    }
    const last = insns[end - 1].code;
    const ends = last === O.EXIT || last === (O.BPF_JMP | O.BPF_JA) || last === (O.BPF_JMP32 | O.BPF_JA);
    if (!ends) throw new VerifierError(end - 1, "last insn is not an exit or jmp");
  });
}

export const isTailCall = (insn: Insn): boolean =>
  insn.code === O.CALL && insn.src === O.BPF_HELPER_CALL && insn.imm === O.BPF_FUNC_tail_call;
