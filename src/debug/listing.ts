import { basename } from "node:path";
import type { Machine } from "../../emulator/machine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { type BpfLine, type CodeLine, listImage } from "../runner/code-listing.ts";
import type { CodeBook } from "../runner/locate.ts";
import type { LineRow, LineSequence } from "./elf/line-table.ts";

/** A function in the listing: where it begins, and the lines of its code. */
export interface ListedFunction {
  func: PlacedFunction;
  /** 1-based */
  line: number;
  sequence: LineSequence;
}

export interface Listing {
  text: string;
  functions: ListedFunction[];
}

/** Column at which what is known of a BPF instruction begins. */
const REMARKS = 40;

/**
 * All functions of the machine as BPF, a line for each instruction, with the line of the user's file and what its machine code is for:
 * the source that a debugger shows. `file`: whose lines they are.
 */
export function listBpf(machine: Machine, book: CodeBook, title: string, file: string): Listing {
  const lines = [`; ${title}: BPF as the JIT got it`];
  const functions = machine.functions.map((func) => {
    lines.push("");
    return listFunction(func, lines, { machine, book, file: basename(file) });
  });
  return { text: `${lines.join("\n")}\n`, functions };
}

interface Source {
  machine: Machine;
  book: CodeBook;
  file: string;
}

function listFunction(func: PlacedFunction, lines: string[], { machine, book, file }: Source): ListedFunction {
  const { image } = func;
  const code = listImage(image, book, (address) => machine.symbols.nameAt(address) ?? functionName(machine, address));
  lines.push(`; ${image.bytes.length} bytes at 0x${image.address.toString(16)}; frame: ${frameText(func)}`);
  const line = lines.push(`${image.name}:`);
  const rows: LineRow[] = [{ address: image.address, line }];
  let source = "";
  for (const at of code) {
    for (const bpf of at.from) {
      const text = bpf.source
        ? `${basename(bpf.source.file)}:${bpf.source.line}  ${bpf.source.text?.trim() ?? ""}`
        : source;
      if (text !== source) lines.push(`                ; ${text}`);
      source = text;
      lines.push(bpfText(bpf, at, file));
    }
    if (at.from.length) rows.push({ address: image.address + BigInt(at.offset), line: lines.length });
  }
  return { func, line, sequence: { rows, end: image.address + BigInt(image.bytes.length) } };
}

function functionName(machine: Machine, address: bigint): string | undefined {
  const at = machine.functionAt(address);
  return at?.offset ? `${at.func.image.name}+0x${at.offset.toString(16)}` : at?.func.image.name;
}

const frameText = ({ image: { frame } }: PlacedFunction): string =>
  [
    "ret",
    "rbp",
    ...(frame?.depth ? [`${frame.depth} bytes`] : []),
    ...(frame?.slots.map(({ name }) => name) ?? []),
  ].join(" | ");

function bpfText({ insn, text, line }: BpfLine, { note }: CodeLine, file: string): string {
  const remarks = [...(line ? [`${file}:${line}`] : []), ...(note ? [note] : [])];
  const bpf = `${String(insn).padStart(6)}: ${text}`;
  return remarks.length ? `${bpf.padEnd(REMARKS)} ; ${remarks.join("  ")}` : bpf;
}
