import { decodeInsns, type Insn } from "../../../bpf/insn.ts";
import { BPF_JMP, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, LD_IMM64 } from "../../../bpf/opcode.ts";
import type { MapRef, Poke, Xlated, XlatedFunction } from "../../../bpf/xlated.ts";
import type { Recognised } from "../recognise/recognise.ts";

const PSEUDO_MAP_FD = 1;
const PSEUDO_MAP_VALUE = 2;
const TAIL_CALL_HELPER = 12;
/** BPF_JMP | BPF_TAIL_CALL, kernel-internal */
const TAIL_CALL = BPF_JMP | 0xf0;

/** A dump that does not fit the machine code beside it. */
export class DumpMismatch extends Error {
  override name = "DumpMismatch";
}

/**
 * The program that a dump of xlated instructions shows, as the verifier handed it to the JIT. What such a dump leaves out is taken from the
 * machine code: stack depths, where tail calls are reachable, which of them are direct. Throws DumpMismatch.
 */
export function xlatedProgram(bytes: Uint8Array, functions: readonly Recognised[]): Xlated {
  const insns = decodeInsns(bytes);
  const starts = functionStarts(insns);
  if (starts.length !== functions.length)
    throw new DumpMismatch(`the BPF has ${starts.length} functions, the machine code ${functions.length}`);
  const mapRefs: MapRef[] = [];
  const calls = new Map<number, string>();
  const pokes: Poke[] = [];
  const tailCalls = functions.map(() => 0);
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot];
    const index = starts.findLastIndex((start) => start <= slot);
    if (insn.code === LD_IMM64) {
      const { src, imm } = insn;
      if (src === PSEUDO_MAP_FD) mapRefs.push({ insn: slot, map: String(imm), kind: "map", off: 0 });
      else if (src === PSEUDO_MAP_VALUE)
        mapRefs.push({ insn: slot, map: String(imm), kind: "value", off: insns[slot + 1]?.imm ?? 0 });
      else if (src === BPF_PSEUDO_FUNC) insn.imm = starts.indexOf(slot + 1 + imm);
      slot++;
    } else if (insn.code === CALL && insn.src === BPF_PSEUDO_CALL) {
      insn.imm = starts.indexOf(slot + 1 + insn.off);
      insn.off = 0;
    } else if (insn.code === CALL && insn.src === 0 && insn.imm === TAIL_CALL_HELPER) {
      const site = functions[index].tailCalls[tailCalls[index]++];
      insn.code = TAIL_CALL;
      insn.imm = site?.kind === "direct" ? pokes.push({ insn: slot, map: "map", key: pokes.length }) : 0;
    } else if (insn.code === CALL) {
      calls.set(slot, `helper ${insn.imm}`);
      insn.imm = 0;
    }
  }
  return {
    insns,
    origin: Int32Array.from(insns, (_, slot) => slot),
    functions: starts.map((start, i) =>
      describe(functions[i], i, start, (starts[i + 1] ?? insns.length) - start, tailCalls[i] > 0),
    ),
    mapRefs,
    calls,
    pokes,
    symbolRefs: [],
  };
}

function describe(
  { prologue }: Recognised,
  index: number,
  start: number,
  insns: number,
  hasTailCall: boolean,
): XlatedFunction {
  const reachable = prologue?.role === "counts" || prologue?.role === "hands-on";
  return {
    name: index === 0 ? "main" : `F${index}`,
    start,
    insns,
    stackDepth: prologue?.depth ?? 0,
    hasTailCall,
    tailCallReachable: reachable,
    ...(prologue?.privateStack === undefined ? {} : { privateStack: true }),
    ...(prologue?.role === "exception-callback" ? { exceptionCallback: true } : {}),
    ...(index === 0 && prologue?.saved.length === 5 ? { exceptionBoundary: true } : {}),
  };
}

/** Functions begin at slot 0 and where calls and function pointers lead. Throws DumpMismatch. */
function functionStarts(insns: readonly Insn[]): number[] {
  const starts = new Set([0]);
  for (let slot = 0; slot < insns.length; slot++) {
    const { code, src, off, imm } = insns[slot];
    if (code === CALL && src === BPF_PSEUDO_CALL) starts.add(slot + 1 + off);
    if (code !== LD_IMM64) continue;
    if (src === BPF_PSEUDO_FUNC) starts.add(slot + 1 + imm);
    slot++;
  }
  for (const start of starts)
    if (start < 0 || start >= insns.length)
      throw new DumpMismatch(`a call leads to instruction ${start} of ${insns.length}`);
  return [...starts].sort((a, b) => a - b);
}
