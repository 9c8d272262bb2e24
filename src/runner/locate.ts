import { slotAt } from "../../bpf/image.ts";
import type { Machine } from "../../emulator/machine.ts";
import { disassembleAt } from "../import/x86/disassemble.ts";

/** BPF text and source line by image name and slot, for whoever has to point at an instruction. */
export interface CodeBook {
  bpf(image: string, slot: number): { text: string; line?: number } | undefined;
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
  return { ...place, insn: slot, bpf: bpf?.text, line: bpf?.line };
}
