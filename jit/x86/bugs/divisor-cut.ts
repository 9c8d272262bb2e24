import { BPF_ALU, BPF_DIV, BPF_MOD, classOf, isX, opOf } from "../../../bpf/opcode.ts";
import { movRegReg } from "../encode/move.ts";
import { lowerAlu } from "../lower/alu.ts";
import { type Bug, withLowerings } from "./bug.ts";

export const divisorCut: Bug = {
  name: "divisor-cut",
  kernel: "linux-5.17",
  about:
    "In front of a 32-bit division by a register its upper half was cleared, for the comparison with 0: the divisor had lost it for good, where BPF says that a source stays.",
  fixed: "e88b2c6e5a4d (5.11)",
  apply: (profile) =>
    withLowerings(profile, {
      alu(f, insn, dst, src, slot) {
        const divides = opOf(insn.code) === BPF_DIV || opOf(insn.code) === BPF_MOD;
        if (divides && isX(insn.code) && classOf(insn.code) === BPF_ALU) movRegReg(f.c, false, src, src);
        lowerAlu(f, insn, dst, src, slot);
      },
    }),
};
