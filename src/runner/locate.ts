import { slotAt } from "../../bpf/image.ts";
import type { Machine } from "../../emulator/machine.ts";
import { disassembleAt } from "../import/x86/disassemble.ts";

/** A line of the C source that a program was compiled from, where its object tells (BTF line_info). */
export interface SourceLine {
  file: string;
  /** 1-based */
  line: number;
  text?: string;
}

/** BPF text and source line by image name and slot, for whoever has to point at an instruction. */
export interface CodeBook {
  bpf(image: string, slot: number): { text: string; line?: number; source?: SourceLine } | undefined;
}

/** Where an address is, in the terms of the people who read findings. */
export interface Place {
  /** program, program#function, or the kernel symbol */
  function: string;
  offset: number;
  asm?: string;
  insn?: number;
  bpf?: string;
  line?: number;
  source?: SourceLine;
}

/** Function, offset, AT&T text and BPF instruction of an address. */
export function locate(machine: Machine, book: CodeBook, pc: bigint): Place {
  const at = machine.functionAt(pc);
  if (!at) {
    const symbol = machine.symbols.at(pc);
    return { function: symbol?.name ?? `0x${pc.toString(16)}`, offset: symbol?.offset ?? 0 };
  }
  const { image } = at.func;
  const slot = slotAt(image, at.offset);
  const place: Place = {
    function: image.name,
    offset: at.offset,
    asm: disassembleAt(machine.memory.read(image.address, image.bytes.length), image.address, at.offset),
  };
  if (slot < 0) return place;
  const bpf = book.bpf(image.name, slot);
  const known: Place = { ...place, insn: slot, bpf: bpf?.text, line: bpf?.line };
  return bpf?.source ? { ...known, source: bpf.source } : known;
}
