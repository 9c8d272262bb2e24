import type { Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import type { MapRef, SymbolRef, Xlated } from "../xlated.ts";
import { type Env, subprogCount } from "./env.ts";
import { VerifierError } from "./error.ts";

/** What the JIT gets of a finished program (jit_subprogs): functions by index, kernel objects by name. */
export function xlatedOf(env: Env): Xlated {
  const calls = new Map<number, string>();
  const mapRefs: MapRef[] = [];
  const symbolRefs: SymbolRef[] = [];
  const pokes: Xlated["pokes"] = env.pokes.map((p) => ({ ...p, insn: -1 }));
  const removedCallees: number[] = [];
  const index = new Map(env.subprogs.slice(0, -1).map((s, i) => [s.start, i]));
  const insns = env.insns.map(({ callee, mapRef, symbol, poke, ...insn }, i): Insn => {
    if (callee !== undefined) calls.set(i, callee);
    if (mapRef) mapRefs.push({ insn: i, ...mapRef });
    if (symbol) symbolRefs.push({ insn: i, symbol: symbol.name, addend: symbol.addend });
    if (poke !== undefined) pokes[poke].insn = i;
    const called = insn.code === O.CALL && insn.src === O.BPF_PSEUDO_CALL;
    const addressed = insn.code === O.LD_IMM64 && insn.src === O.BPF_PSEUDO_FUNC;
    if (!called && !addressed) return insn;
    const target = index.get(i + insn.imm + 1);
    if (target !== undefined) return { ...insn, off: 0, imm: target };
    // jit_subprogs() leaves these alone when there is no function besides the main one
    if (subprogCount(env) > 1)
      throw new VerifierError(env.aux[i].origin, `No program starts at insn ${i + insn.imm + 1}`);
    removedCallees.push(i);
    if (called) calls.set(i, `__bpf_call_base+0x${insn.imm.toString(16)}`);
    return called && env.kernel.removedCallInOff ? { ...insn, src: 0, off: insn.imm, imm: 0 } : { ...insn, src: 0 };
  });
  const functions = env.subprogs.slice(0, subprogCount(env)).map((s, f) => {
    const end = env.subprogs[f + 1].start;
    const { nargs } = env.program.functions.find(({ name }) => name === s.name) ?? {};
    return {
      name: s.name,
      ...(nargs === undefined ? {} : { nargs }),
      start: s.start,
      insns: end - s.start,
      stackDepth: s.stackDepth,
      hasTailCall: env.insns.slice(s.start, end).some((i) => i.code === (O.BPF_JMP | O.BPF_TAIL_CALL)),
      tailCallReachable: s.tailCallReachable,
      ...(s.isExceptionCallback ? { exceptionCallback: true } : {}),
      ...(f === 0 && env.seenException ? { exceptionBoundary: true } : {}),
      ...(s.privateStack ? { privateStack: true } : {}),
    };
  });
  return {
    insns,
    origin: Int32Array.from(env.aux, (a) => a.origin),
    functions,
    mapRefs,
    calls,
    pokes: pokes.filter((p) => p.insn >= 0),
    symbolRefs,
    ...(env.spillsRemoved.length ? { spillsRemoved: env.spillsRemoved } : {}),
    ...(removedCallees.length ? { removedCallees } : {}),
  };
}
