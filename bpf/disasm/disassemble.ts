import type { Insn } from "../insn.ts";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  CALL,
  classOf,
  JA,
  JA32,
  MAY_GOTO,
  opOf,
} from "../opcode.ts";
import type { Program } from "../program.ts";
import { jumpOperator } from "../syntax.ts";
import type { Xlated } from "../xlated.ts";
import { aluText } from "./alu.ts";
import { jumpText } from "./jumps.ts";
import { memoryText } from "./memory.ts";
import { hasRegisters } from "./operands.ts";
import { type DisassembleOptions, Symbols } from "./symbols.ts";
import { isWide, wideText } from "./wide.ts";

export type { DisassembleOptions } from "./symbols.ts";

/**
 * The text of each slot in LLVM's syntax and the additions of bpf/asm/README.md; the second slot of an LD_IMM64 is empty.
 * What is no valid encoding comes out as `.8byte`, so every sequence of slots has a text, and the text assembles to the
 * same bytes (given the labels, where names for slots were given: see listing).
 */
export function disassemble(insns: readonly Insn[], options: DisassembleOptions = {}): string[] {
  return texts(insns, new Symbols(options, labelPlaces(insns)));
}

/** The same as one text, with a line for each label, ready to be assembled. Jump targets without a name get one. */
export function listing(insns: readonly Insn[], options: DisassembleOptions = {}): string {
  const canLabel = labelPlaces(insns);
  const named = new Symbols(options, canLabel);
  const labels = new Map([...(options.labels ?? []), ...inventLabels(insns, named, options)]);
  const symbols = new Symbols({ ...options, labels }, canLabel);
  const lines: string[] = [];
  texts(insns, symbols).forEach((text, slot) => {
    const label = symbols.labelAt(slot);
    if (label !== undefined) lines.push(`${label}:`);
    if (text !== "") lines.push(`  ${text}`);
  });
  const end = symbols.labelAt(insns.length);
  if (end !== undefined) lines.push(`${end}:`);
  return lines.map((line) => `${line}\n`).join("");
}

export const listProgram = (program: Program): string =>
  listing(program.insns, { functions: program.functions, relocs: program.relocs });

/** For the eye: calls show the names of kernel functions, whose immediates an Xlated does not hold. */
export const listXlated = ({ insns, functions, mapRefs, calls }: Xlated): string =>
  listing(insns, { functions, mapRefs, calls, callees: "index" });

/** One slot as a little-endian number, for what has no other text. */
export function rawText({ code, dst, src, off, imm }: Insn): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `.8byte 0x${hex(imm >>> 0, 8)}${hex(off & 0xffff, 4)}${hex((src << 4) | dst, 2)}${hex(code, 2)}`;
}

function texts(insns: readonly Insn[], symbols: Symbols): string[] {
  const result: string[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    if (isWide(insns, slot)) {
      result.push(wideText(insns, slot, symbols), "");
      slot++;
    } else {
      result.push(narrowText(insns[slot], slot, symbols) ?? rawText(insns[slot]));
    }
  }
  return result;
}

function narrowText(insn: Insn, slot: number, symbols: Symbols): string | undefined {
  if (!hasRegisters(insn)) return undefined;
  switch (classOf(insn.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return aluText(insn);
    case BPF_JMP:
    case BPF_JMP32:
      return jumpText(insn, slot, symbols);
    default:
      return memoryText(insn, symbols.fieldAt(slot));
  }
}

/** A label can stand at the end and before every slot that is not the second one of an LD_IMM64. */
function labelPlaces(insns: readonly Insn[]): (slot: number) => boolean {
  const second = new Set<number>();
  for (let slot = 0; slot < insns.length; slot++) if (isWide(insns, slot)) second.add(++slot);
  return (slot) => slot >= 0 && slot <= insns.length && !second.has(slot);
}

/** `L1`, `L2`, ... in order of slot, for every target of a jump, call or function address that has no name. */
function inventLabels(insns: readonly Insn[], named: Symbols, options: DisassembleOptions): [string, number][] {
  const targets = new Set<number>();
  insns.forEach((_, slot) => {
    const distance = distanceOf(insns, slot, options.callees ?? "distance");
    if (distance !== undefined && !named.labelAt(slot + 1 + distance)) targets.add(slot + 1 + distance);
  });
  const maps = [...(options.relocs ?? []), ...(options.mapRefs ?? [])].map((ref) => ("map" in ref ? ref.map : ""));
  const functions = (options.functions ?? []).map(({ name }) => name);
  const taken = new Set([...(options.labels?.keys() ?? []), ...functions, ...maps]);
  let number = 0;
  const next = (): string => {
    const label = `L${++number}`;
    return taken.has(label) ? next() : label;
  };
  return [...targets].sort((a, b) => a - b).map((target) => [next(), target]);
}

function distanceOf(insns: readonly Insn[], slot: number, callees: "distance" | "index"): number | undefined {
  const { code, src, off, imm } = insns[slot];
  if (isWide(insns, slot)) return src === BPF_PSEUDO_FUNC && callees === "distance" ? imm : undefined;
  if (code === CALL) return src === BPF_PSEUDO_CALL && callees === "distance" ? imm : undefined;
  if (code === JA32) return imm;
  if (code === JA || code === MAY_GOTO) return off;
  const isJump = classOf(code) === BPF_JMP || classOf(code) === BPF_JMP32;
  return isJump && jumpOperator(opOf(code)) !== undefined ? off : undefined;
}
