import type { Insn } from "../../../bpf/insn.ts";
import { BPF_ADD, BPF_ALU64, BPF_LDX, BPF_REG_FP, BPF_ST, BPF_STX, classOf, isX, opOf } from "../../../bpf/opcode.ts";
import { countInSlot } from "../designs/stack-slot.ts";
import { type Bug, withDesign } from "./bug.ts";

/** Lowest offset from the frame pointer that an instruction names, or adds to a copy of it. */
function lowest({ code, dst, src, off, imm }: Insn): number {
  const cls = classOf(code);
  if (cls === BPF_LDX && src === BPF_REG_FP) return off;
  if ((cls === BPF_ST || cls === BPF_STX) && dst === BPF_REG_FP) return off;
  if (cls === BPF_ALU64 && opOf(code) === BPF_ADD && !isX(code)) return imm;
  return 0;
}

export const ownDepth: Bug = {
  name: "own-depth",
  kernel: "linux-5.4",
  about:
    "Each program got a frame as deep as it needs, but a tail call enters behind the callee's prologue: a deeper callee used stack that nobody had made, and found the count in another place.",
  fixed: "80a58d02558c (4.13)",
  apply: (profile) =>
    withDesign(profile, {
      rewrite: (input) => ({ ...input, stackDepth: -Math.min(0, ...input.insns.map(lowest)) }),
      check: (f, out) => countInSlot(f, out, -36 - f.depth),
    }),
};
