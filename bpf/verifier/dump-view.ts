import { encodeInsns, type Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import type { Xlated } from "../xlated.ts";

/** Where things are in a running kernel, as a dump shows them. */
export interface DumpAddresses {
  /** imm of the call of a kernel function: its address less that of __bpf_call_base */
  callImm(callee: string): number;
  /** address of a kernel object (64 bits; a per-CPU variable: its offset, sign-extended when negative) */
  symbol(name: string): bigint;
  /** id of a map */
  mapId(name: string): number;
}

/**
 * What BPF_OBJ_GET_INFO_BY_FD shows of a loaded program (bpf_insn_prepare_dump): tail calls as calls of helper 12, BPF_PROBE_MEM as BPF_MEM
 * (but not BPF_PROBE_MEMSX), maps by id, calls of functions with the distance in off and the index in imm.
 */
export function dumpView(xlated: Xlated, at: DumpAddresses): Insn[] {
  const removed = new Set(xlated.removedCallees);
  const starts = xlated.functions.map((f) => f.start);
  const insns = xlated.insns.map((insn) => ({ ...insn }));
  insns.forEach((insn, i) => {
    if (removed.has(i)) {
      insn.src = insn.code === O.CALL ? O.BPF_PSEUDO_CALL : O.BPF_PSEUDO_FUNC;
      return;
    }
    const callee = xlated.calls.get(i);
    if (insn.code === (O.BPF_JMP | O.BPF_TAIL_CALL)) {
      insn.code = O.CALL;
      insn.imm = O.BPF_FUNC_tail_call;
    } else if (callee !== undefined) insn.imm = at.callImm(callee);
    else if (insn.code === O.CALL && insn.src === O.BPF_PSEUDO_CALL) insn.off = starts[insn.imm] - i - 1;
    else if (insn.code === O.LD_IMM64 && insn.src === O.BPF_PSEUDO_FUNC) {
      insns[i + 1].imm = insn.imm;
      insn.imm = starts[insn.imm] - i - 1;
    } else if (O.classOf(insn.code) === O.BPF_LDX && O.modeOf(insn.code) === O.BPF_PROBE_MEM)
      insn.code = O.BPF_LDX | O.BPF_MEM | O.sizeOf(insn.code);
  });
  for (const { insn, map, kind, off } of xlated.mapRefs) {
    insns[insn].src = kind === "map" ? O.BPF_PSEUDO_MAP_FD : O.BPF_PSEUDO_MAP_VALUE;
    insns[insn].imm = at.mapId(map);
    insns[insn + 1].imm = kind === "value" ? off : 0;
  }
  for (const { insn, symbol, addend } of xlated.symbolRefs) {
    const address = BigInt.asUintN(64, at.symbol(symbol) + BigInt(addend));
    insns[insn].imm = Number(BigInt.asIntN(32, address));
    if (insns[insn].code === O.LD_IMM64) insns[insn + 1].imm = Number(BigInt.asIntN(32, address >> 32n));
  }
  return insns;
}

/** The same as bytes. */
export const dumpBytes = (xlated: Xlated, at: DumpAddresses): Uint8Array => encodeInsns(dumpView(xlated, at));
