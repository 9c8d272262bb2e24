import * as O from "../../opcode.ts";
import { successors } from "../cfg.ts";
import { backwards } from "../dataflow.ts";
import { containingSubprog, type Env, findSubprog, type KInsn } from "../env.ts";
import { mov32Reg, R0 } from "../insns.ts";
import { patchInsns } from "../patch.ts";

const isCmpxchg32 = (i: KInsn): boolean => i.code === (O.BPF_STX | O.BPF_ATOMIC | O.BPF_W) && i.imm === O.BPF_CMPXCHG;

/** BPF_ZEXT_REG: imm 1 tells JITs that the verifier put it there. */
const ZEXT_R0: KInsn = { ...mov32Reg(R0, R0), imm: 1 };

/** What the instruction does with R0: reads all 64 bits, writes it, or neither (is_reg64). */
function effectOnR0(i: KInsn): "reads64" | "writes" | "none" {
  const cls = O.classOf(i.code);
  const [dst, src] = [i.dst === 0, i.src === 0 && (O.isX(i.code) || cls === O.BPF_LDX || cls === O.BPF_STX)];
  switch (cls) {
    case O.BPF_ALU64:
      if (src || (dst && O.opOf(i.code) !== O.BPF_MOV)) return "reads64";
      return dst ? "writes" : "none";
    case O.BPF_ALU:
      if (dst && O.opOf(i.code) === O.BPF_END && i.imm === 64) return "reads64";
      return dst ? "writes" : "none";
    case O.BPF_LDX:
      return src ? "reads64" : dst ? "writes" : "none";
    case O.BPF_ST:
      return dst ? "reads64" : "none";
    case O.BPF_STX:
      if (dst || (O.sizeOf(i.code) === O.BPF_DW && (src || i.imm === O.BPF_CMPXCHG))) return "reads64";
      if (O.modeOf(i.code) !== O.BPF_ATOMIC) return "none";
      return i.imm === O.BPF_CMPXCHG || (i.imm & O.BPF_FETCH && src) ? "writes" : "none";
    case O.BPF_JMP:
      if (i.code === O.CALL) return "writes";
      return O.opOf(i.code) !== O.BPF_JA && O.opOf(i.code) !== O.BPF_JCOND && (dst || src) && i.code !== O.EXIT
        ? "reads64"
        : "none";
    case O.BPF_LD:
      return i.code === O.LD_IMM64 && !dst ? "none" : i.code === 0 ? "none" : "writes";
    default:
      return "none";
  }
}

/** Slots from which R0's upper half may be read before R0 is written. */
function upperHalfRead(env: Env): Uint8Array {
  const { insns, subprogs } = env;
  const read = new Uint8Array(insns.length + 1);
  const returns = subprogs.map((): number[] => []);
  insns.forEach((i, at) => {
    if (i.code === O.CALL && i.src === O.BPF_PSEUDO_CALL) returns[findSubprog(env, at + i.imm + 1)]?.push(at + 1);
  });
  const next = (at: number) => (insns[at].code === O.EXIT ? returns[containingSubprog(env, at)] : successors(env, at));
  // what the program returns is 64 bits wide
  const last = (at: number) => insns[at].code === O.EXIT && containingSubprog(env, at) === 0;
  backwards(insns.length, next, (at) => {
    const effect = effectOnR0(insns[at]);
    const now = effect === "reads64" || (effect === "none" && (last(at) || next(at).some((to) => read[to])));
    const changed = now !== (read[at] === 1);
    read[at] = now ? 1 : 0;
    return changed;
  });
  return read;
}

/** opt_subreg_zext_lo32_rnd_hi32(): a 32-bit compare-and-exchange always zero-extends R0, whatever the CPU's instruction does. */
export function zeroExtendCmpxchg(env: Env): void {
  if (!env.insns.some(isCmpxchg32)) return;
  const read = upperHalfRead(env);
  const patches = new Map<number, KInsn[]>();
  env.insns.forEach((insn, i) => {
    if (isCmpxchg32(insn) && read[i + 1]) patches.set(i, [insn, ZEXT_R0]);
  });
  patchInsns(env, patches);
}
