import { helperId } from "../../helper-ids.ts";
import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import { alu64, FP, ja, jmp, jmpReg, ldx, mov32, mov64Reg, R0, R1, R2, R3, R6, R7, R8, stx } from "../insns.ts";
import { patchInsns } from "../patch.ts";

const BPF_MAX_LOOPS = 8 * 1024 * 1024;
const E2BIG = 7;
/** Slot of the callback's call in the inlined loop. */
const CALL = 12;

/** inline_bpf_loop(): r6 = bound, r7 = count, r8 = context, spilled at `base`, base + 8, base + 16. */
function inlined(base: number): KInsn[] {
  const { BPF_DW } = O;
  return [
    jmp(O.BPF_JLE, R1, BPF_MAX_LOOPS, 2),
    mov32(R0, -E2BIG),
    ja(16),
    stx(BPF_DW, FP, R6, base),
    stx(BPF_DW, FP, R7, base + 8),
    stx(BPF_DW, FP, R8, base + 16),
    mov64Reg(R6, R1),
    mov32(R7, 0),
    mov64Reg(R8, R3),
    jmpReg(O.BPF_JGE, R7, R6, 5),
    mov64Reg(R1, R7),
    mov64Reg(R2, R8),
    { code: O.CALL, dst: 0, src: O.BPF_PSEUDO_CALL, off: 0, imm: 0 },
    alu64(O.BPF_ADD, R7, 1),
    jmp(O.BPF_JEQ, R0, 0, -6),
    mov64Reg(R0, R7),
    ldx(BPF_DW, R6, FP, base),
    ldx(BPF_DW, R7, FP, base + 8),
    ldx(BPF_DW, R8, FP, base + 16),
  ];
}

/** optimize_bpf_loop(): calls of bpf_loop() with flags 0 and one callback become a loop; three more registers on the stack. */
export function inlineBpfLoops(env: Env): void {
  if (!env.kernel.inlineLoop) return;
  const loop = helperId("bpf_loop");
  const patches = new Map<number, KInsn[]>();
  for (let f = 0; f + 1 < env.subprogs.length; f++) {
    const subprog = env.subprogs[f];
    const { stackDepth } = subprog;
    const extra = 24 + (((stackDepth + 7) & ~7) - stackDepth);
    let used = 0;
    for (let i = subprog.start; i < env.subprogs[f + 1].start; i++) {
      const insn = env.insns[i];
      if (insn.code !== O.CALL || insn.src !== O.BPF_HELPER_CALL || insn.imm !== loop) continue;
      const callback = env.aux[i].loopCallback;
      if (callback === undefined || callback === null) continue;
      used = extra;
      const { start } = env.subprogs[callback];
      const patch = inlined(-(stackDepth + extra));
      patch[CALL].imm = (start > i ? start + patch.length - 1 : start) - (i + CALL) - 1;
      patches.set(i, patch);
    }
    subprog.stackDepth += used;
  }
  patchInsns(env, patches);
}
