import type { ExtableEntry, Image, PokeSite } from "../../bpf/image.ts";
import { REG_NAMES } from "../../jit/x86/regs.ts";
import { type AsmLine, disassemble } from "../import/x86/disassemble.ts";
import type { CodeBook, SourceLine } from "./locate.ts";

/** One machine instruction with all that is known of it. */
export interface CodeLine {
  /** bytes from the image's start */
  offset: number;
  bytes: Uint8Array;
  /** AT&T; targets inside the image as `+0x1f` */
  asm: string;
  /** what it is for */
  note?: string;
  /** BPF instructions whose code starts here, those without code first */
  from: BpfLine[];
}

/** A BPF instruction: its slot in the function, its text, its line in the user's file, and in the C source. */
export interface BpfLine {
  insn: number;
  text: string;
  line?: number;
  source?: SourceLine;
}

export type AddressNames = (address: bigint) => string | undefined;

/** A function's machine code, instruction by instruction. `nameOf` knows other functions and kernel symbols. */
export function listImage(image: Image, book: CodeBook, nameOf: AddressNames): CodeLine[] {
  const starts = slotsByOffset(image);
  const notes = structureNotes(image);
  return disassemble(image.bytes, image.address).map((line) => {
    const { offset, length } = line;
    const bytes = image.bytes.subarray(offset, offset + length);
    const from = (starts.get(offset) ?? []).flatMap((insn) => bpfLine(image, book, insn));
    const listed: CodeLine = { offset, bytes, asm: localTargets(line, image), from };
    const note = [notes.get(offset), image.notes.get(offset), destination(line, image, nameOf)].filter(Boolean);
    return note.length ? { ...listed, note: note.join(": ") } : listed;
  });
}

/** Offset -> slots whose code starts there; several where a slot has no code. */
function slotsByOffset({ ends }: Image): Map<number, number[]> {
  const starts = new Map<number, number[]>();
  for (let slot = 0; slot + 1 < ends.length; slot++) {
    const there = starts.get(ends[slot]);
    if (there) there.push(slot);
    else starts.set(ends[slot], [slot]);
  }
  return starts;
}

function bpfLine(image: Image, book: CodeBook, insn: number): BpfLine[] {
  const bpf = book.bpf(image.name, insn);
  if (!bpf?.text) return []; // the second half of an LD_IMM64
  const { text, line, source } = bpf;
  return [{ insn, text, ...(line ? { line } : {}), ...(source ? { source } : {}) }];
}

/** `jae +0x42` for a target in the image. */
function localTargets({ text, target }: AsmLine, { address, bytes }: Image): string {
  if (target === undefined) return text;
  const offset = target - address;
  if (offset < 0n || offset > BigInt(bytes.length)) return text;
  return text.replace(/0x[0-9a-f]+$/, `+0x${offset.toString(16)}`);
}

function destination({ target }: AsmLine, { address, bytes }: Image, nameOf: AddressNames): string | undefined {
  if (target === undefined || (target >= address && target <= address + BigInt(bytes.length))) return undefined;
  const name = nameOf(target);
  return name && `to ${name}`;
}

/** What the image's structure says beyond its emitters' notes. */
function structureNotes(image: Image): Map<number, string> {
  const notes = new Map<number, string[]>();
  const add = (offset: number, text: string): void => {
    notes.set(offset, [...(notes.get(offset) ?? []), text]);
  };
  if (image.landing !== undefined && !image.notes.get(image.landing)?.includes("land"))
    add(image.landing, "tail calls land");
  for (const { insn, kind, start, out } of image.tailCalls) {
    const poke = image.pokes.find((site) => site.insn === insn);
    add(start, `tail call, ${kind}${poke ? slotName(poke) : ""}`);
    add(out, "no tail call was taken");
  }
  if (image.epilogue < image.bytes.length) add(image.epilogue, "epilogue");
  for (const entry of image.extable) add(entry.offset, faultNote(entry));
  return new Map([...notes].map(([offset, texts]) => [offset, texts.join("; ")]));
}

const slotName = ({ map, key }: PokeSite): string => `, ${map}[${key}]`;

const faultNote = ({ clear }: ExtableEntry): string =>
  clear === undefined ? "may fault: stores nothing" : `may fault: ${REG_NAMES[clear]} = 0`;
