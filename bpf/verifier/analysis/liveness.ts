import * as O from "../../opcode.ts";
import { successors } from "../cfg.ts";
import { backwards } from "../dataflow.ts";
import type { Env, KInsn } from "../env.ts";
import { helperProto, kfuncProto } from "../helpers.ts";

const bits = (...regs: number[]): number => regs.reduce((m, r) => m | (1 << r), 0);
/** What is needed of a program to say which of its registers are read. */
type Code = Pick<Env, "insns" | "program" | "kernel">;
const CALLER_SAVED = bits(0, 1, 2, 3, 4, 5);

/** Registers an instruction reads and writes (compute_insn_live_regs). */
function useAndDef(env: Code, insn: KInsn): [use: number, def: number] {
  const dst = bits(insn.dst);
  const src = bits(insn.src);
  const x = O.isX(insn.code);
  switch (O.classOf(insn.code)) {
    case O.BPF_LD:
      if (insn.code === O.LD_IMM64) return [0, dst];
      return [bits(6) | (O.modeOf(insn.code) === O.BPF_IND ? src : 0), CALLER_SAVED];
    case O.BPF_LDX:
      return [src, dst];
    case O.BPF_ST:
      return [dst, 0];
    case O.BPF_STX:
      if (O.modeOf(insn.code) !== O.BPF_ATOMIC) return [dst | src, 0];
      if (insn.imm === O.BPF_CMPXCHG) return [dst | src | bits(0), bits(0)];
      if (insn.imm === O.BPF_LOAD_ACQ) return [src, dst];
      if (insn.imm === O.BPF_STORE_REL) return [dst | src, 0];
      return [dst | src, insn.imm & O.BPF_FETCH ? src : 0];
    case O.BPF_ALU:
    case O.BPF_ALU64:
      if (O.opOf(insn.code) === O.BPF_MOV) return [x ? src : 0, dst];
      if (O.opOf(insn.code) === O.BPF_END || O.opOf(insn.code) === O.BPF_NEG) return [dst, dst];
      return [dst | (x ? src : 0), dst];
    default:
      return jump(env, insn, dst, src, x);
  }
}

function jump(env: Code, insn: KInsn, dst: number, src: number, x: boolean): [number, number] {
  const op = O.opOf(insn.code);
  if (op === O.BPF_JA || op === O.BPF_JCOND) return [0, 0];
  if (op === O.BPF_EXIT) return [bits(0), 0];
  if (op !== O.BPF_CALL) return [dst | (x ? src : 0), 0];
  const proto =
    insn.src === O.BPF_HELPER_CALL
      ? helperProto(insn.imm, env.program.type)?.args.length
      : insn.src === O.BPF_PSEUDO_KFUNC_CALL
        ? kfuncProto(insn.callee ?? "", env.kernel)?.params
        : undefined;
  return [((1 << (proto ?? 5)) - 1) << 1, CALLER_SAVED];
}

/** compute_live_registers(): for each slot the registers that are read from there on before they are written. */
export function liveRegisters(env: Code): Uint16Array {
  const live = new Uint16Array(env.insns.length + 1);
  const sets = env.insns.map((insn) => useAndDef(env, insn));
  const next = (i: number) => successors(env, i);
  backwards(env.insns.length, next, (i) => {
    const [use, def] = sets[i];
    const now = (next(i).reduce((out, to) => out | live[to], 0) & ~def) | use;
    const changed = now !== live[i];
    live[i] = now;
    return changed;
  });
  return live;
}
