import type { Insn } from "../../../bpf/insn.ts";
import { BPF_ALU, BPF_ATOMIC, BPF_CMPXCHG, BPF_MOV, BPF_STX, BPF_W, BPF_X } from "../../../bpf/opcode.ts";
import { lowerAlu } from "../lower/alu.ts";
import { type Bug, withLowerings } from "./bug.ts";

/** w0 = w0, which the verifier puts behind a 32-bit cmpxchg. */
const extendsR0 = ({ code, dst, src }: Insn): boolean => code === (BPF_ALU | BPF_MOV | BPF_X) && dst === 0 && src === 0;
const exchanges32 = ({ code, imm }: Insn): boolean => code === (BPF_STX | BPF_ATOMIC | BPF_W) && imm === BPF_CMPXCHG;

export const cmpxchgUpper: Bug = {
  name: "cmpxchg-upper",
  kernel: "linux-5.17",
  about:
    "A 32-bit cmpxchg that succeeds doesn't write eax on x86: the upper half of R0 stayed, where BPF says that it is cleared.",
  fixed: "39491867ace5 (5.12)",
  apply: (profile) =>
    withLowerings(profile, {
      alu(f, insn, dst, src, slot) {
        const before = f.input.insns[slot - 1];
        if (!(before && exchanges32(before) && extendsR0(insn))) lowerAlu(f, insn, dst, src, slot);
      },
    }),
};
