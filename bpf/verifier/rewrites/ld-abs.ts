import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import { alu32Reg, alu64, call, exit, jmp, mov64, mov64Reg, R0, R1, R2, R6 } from "../insns.ts";

const HELPERS: Record<number, string> = {
  [O.BPF_B]: "bpf_skb_load_helper_8_no_cache",
  [O.BPF_H]: "bpf_skb_load_helper_16_no_cache",
  [O.BPF_W]: "bpf_skb_load_helper_32_no_cache",
};

/** bpf_gen_ld_abs(): a load from the packet becomes a call; a negative result ends the function with 0. */
export function expandLdAbs(env: Env, insn: KInsn): KInsn[] | null {
  if (!env.kernel.expandLdAbs) return null;
  const mode = O.modeOf(insn.code);
  if (O.classOf(insn.code) !== O.BPF_LD || (mode !== O.BPF_ABS && mode !== O.BPF_IND)) return null;
  const offset =
    mode === O.BPF_ABS
      ? [mov64(R2, insn.imm)]
      : [mov64Reg(R2, insn.src), ...(insn.imm ? [alu64(O.BPF_ADD, R2, insn.imm)] : [])];
  return [
    ...offset,
    mov64Reg(R1, R6),
    call(HELPERS[O.sizeOf(insn.code)]),
    jmp(O.BPF_JSGE, R0, 0, 2),
    alu32Reg(O.BPF_XOR, R0, R0),
    exit(),
  ];
}
