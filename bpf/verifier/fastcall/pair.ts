import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import type { FastcallGuard } from "./features.ts";

const isStore = ({ code }: KInsn): boolean => O.classOf(code) === O.BPF_STX && O.modeOf(code) === O.BPF_MEM;
const isLoad = ({ code }: KInsn): boolean => O.classOf(code) === O.BPF_LDX && O.modeOf(code) === O.BPF_MEM;
const isWide = ({ code }: KInsn): boolean => O.sizeOf(code) === O.BPF_DW;

/** `*(u64 *)(r10 + off) = rX` */
export const isSpill = (insn: KInsn, without?: FastcallGuard): boolean =>
  isStore(insn) && (isWide(insn) || without === "width") && insn.dst === O.BPF_REG_FP;

/** Whether a store before and a load after a call are a spill and a fill, of a register out of `registers`, in the slot at `off`. */
export function isPair(env: Env, stx: KInsn, ldx: KInsn, registers: number, off: number): boolean {
  const without = env.kernel.fastcall?.without;
  if (!isStore(stx) || !isLoad(ldx)) return false;
  if (without !== "width" && !(isWide(stx) && isWide(ldx))) return false;
  if (without !== "base" && !(stx.dst === O.BPF_REG_FP && ldx.src === O.BPF_REG_FP)) return false;
  if (without !== "register" && stx.src !== ldx.dst) return false;
  if (!(registers & (1 << stx.src))) return false;
  return without === "offset" || (stx.off === off && ldx.off === off);
}
