import * as O from "../opcode.ts";
import type { Env, InsnAux } from "./env.ts";

/** Registers that a call leaves without what was in them. */
const CALLER_SAVED = 6;

/** What an instruction has put into R1 to R5, as far as the same block tells. */
interface Known {
  map?: string;
  constant?: bigint;
}

/**
 * In place of explore(), for programs that are known to be safe: every instruction is reached, and what the rewrites need is taken from
 * the instructions in front of a helper call. Maps and keys of helper calls must be loaded in the same block as the call.
 */
export function learn(env: Env): void {
  const { insns, aux, subprogs, kernel } = env;
  const depth = (bytes: number): number => (kernel.stackDepthInSlots ? (bytes + 7) & ~7 : bytes);
  let known: Known[] = [];
  let f = -1;
  insns.forEach((insn, at) => {
    aux[at].seen = true;
    if (subprogs[f + 1].start === at) f++;
    if (aux[at].jumpTarget || subprogs[f].start === at) known = [];
    const cls = O.classOf(insn.code);
    const isStore = cls === O.BPF_ST || cls === O.BPF_STX;
    const base = isStore ? insn.dst : cls === O.BPF_LDX ? insn.src : -1;
    if (base === O.BPF_REG_FP) subprogs[f].stackDepth = Math.max(subprogs[f].stackDepth, depth(-insn.off));
    if (insn.code === O.CALL) {
      if (insn.src === O.BPF_HELPER_CALL) noteCall(env, aux[at], insn.imm, known);
      known = known.slice(CALLER_SAVED);
    } else if (insn.code === O.LD_IMM64) {
      known[insn.dst] = insn.mapRef?.kind === "map" ? { map: insn.mapRef.map } : {};
    } else if (insn.code === (O.BPF_ALU64 | O.BPF_MOV | O.BPF_K)) {
      known[insn.dst] = { constant: BigInt(insn.imm) };
    } else if (cls === O.BPF_ALU || cls === O.BPF_ALU64 || cls === O.BPF_LDX) known[insn.dst] = {};
    else if (cls === O.BPF_STX) known[insn.src] = {};
  });
}

const TAIL_CALL = 12;

/** record_func_map(), record_func_key() */
function noteCall(env: Env, aux: InsnAux, helper: number, known: readonly Known[]): void {
  const isTailCall = helper === TAIL_CALL;
  const map = env.maps.find(({ name }) => name === known[isTailCall ? 2 : 1]?.map);
  if (!map) return;
  aux.map = map;
  if (!isTailCall) return;
  const index = known[3]?.constant;
  aux.key = index !== undefined && index >= 0n && index < BigInt(map.maxEntries) ? index : "poisoned";
}
