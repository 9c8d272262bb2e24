import { kernelDisassemble } from "../../../bpf/disasm/kernel/disassemble.ts";
import { helperId, helperName } from "../../../bpf/helper-ids.ts";
import type { Insn } from "../../../bpf/insn.ts";
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, CALL, LD_IMM64 } from "../../../bpf/opcode.ts";
import type { Program } from "../../../bpf/program.ts";
import { dumpView } from "../../../bpf/verifier/index.ts";
import type { Xlated } from "../../../bpf/xlated.ts";
import type { TextLine } from "./lines.ts";

/**
 * What the JIT is handed, a line for each instruction: "4: r5 = 5". Kernel functions and maps have names where a dump has numbers
 * (`call bpf_get_smp_processor_id#8`, `r2 = map[jmp_table]`); `call unknown` and `call kernel-function` are understood, too.
 */
export function xlatedLines(xlated: Xlated, symbol: (name: string) => bigint): TextLine[] {
  const { insns, texts } = xlatedTexts(xlated, symbol);
  return texts.flatMap((text, slot): TextLine[] => {
    if (text === "") return [];
    const line = { text: `${slot}: ${text}` };
    const also = selftestName(insns[slot]);
    return [also ? { ...line, also: `${slot}: ${also}` } : line];
  });
}

/** The text of each slot of what the JIT is handed; the second slot of an LD_IMM64 is empty. */
export function xlatedTexts(xlated: Xlated, symbol: (name: string) => bigint): { insns: Insn[]; texts: string[] } {
  const insns = dumpView(xlated, { callImm: () => 0, symbol, mapId: () => 0 });
  const texts = kernelDisassemble(insns, {
    call: (slot) => calleeName(insns[slot], xlated.calls.get(slot)),
    imm: (slot) => addressName(xlated, slot, insns[slot]),
    distance: "off",
  });
  return { insns, texts };
}

/** The text of each slot of a program as it is loaded, in the same words. */
export function loadedTexts({ insns, relocs }: Program): string[] {
  const by = new Map(relocs.map((reloc) => [reloc.insn, reloc]));
  return kernelDisassemble(insns, {
    call: (slot) => {
      const reloc = by.get(slot);
      return calleeName(insns[slot], reloc?.kind === "kfunc" ? reloc.name : undefined);
    },
    imm: (slot) => {
      const { src, imm } = insns[slot];
      const reloc = by.get(slot);
      if (reloc?.kind === "map") return `map[${reloc.map}]`;
      if (reloc?.kind === "value") return `map[${reloc.map}][0]+${reloc.off || insns[slot + 1].imm}`;
      return src === BPF_PSEUDO_FUNC ? `subprog[${imm < 0 ? "" : "+"}${imm}]` : undefined;
    },
    distance: "imm",
  });
}

function calleeName({ src, imm }: Insn, symbol: string | undefined): string | undefined {
  const name = symbol ?? (src === 0 ? helperName(imm) : undefined);
  const id = name === undefined ? undefined : helperId(name);
  return id === undefined ? name : `${name}#${id}`;
}

/** Maps as bpftool prints them, by name instead of id. */
function addressName({ mapRefs }: Xlated, slot: number, { src, imm }: Insn): string | undefined {
  const ref = mapRefs.find(({ insn }) => insn === slot);
  if (ref) return ref.kind === "map" ? `map[${ref.map}]` : `map[${ref.map}][0]+${ref.off}`;
  return src === BPF_PSEUDO_FUNC ? `subprog[${imm < 0 ? "" : "+"}${imm}]` : undefined;
}

/** What the selftests' loader, which has no symbols, calls a callee. */
function selftestName({ code, src }: Insn): string | undefined {
  if (code === LD_IMM64 || code !== CALL || src === BPF_PSEUDO_CALL) return undefined;
  return src === BPF_PSEUDO_KFUNC_CALL ? "call kernel-function" : "call unknown";
}
