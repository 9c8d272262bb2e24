import type { LineRecord } from "../btf/ext.ts";
import { decodeInsns, INSN_SIZE, type Insn } from "../insn.ts";
import {
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  CALL,
  LD_IMM64,
} from "../opcode.ts";
import type { FuncInfo, LineInfo, Reloc } from "../program.ts";
import type { Extern } from "./externs.ts";
import { KCONFIG } from "./externs.ts";
import { type Relocation, refuse, STT_FUNC, STT_SECTION } from "./file.ts";
import type { ElfFunction, FunctionMap } from "./functions.ts";
import type { ElfMap } from "./maps.ts";

const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;
const RELOCATIONS: Record<number, string> = { 2: "R_BPF_64_ABS64", 3: "R_BPF_64_ABS32", 4: "R_BPF_64_NODYLD32" };
/** The verifier's limit (BPF_MAX_SUBPROGS). */
const MOST_FUNCTIONS = 256;

/** What the functions of an object may refer to. */
export interface LinkInput {
  functions: FunctionMap;
  maps: readonly ElfMap[];
  externs: ReadonlyMap<string, Extern>;
  /** why programs cannot use a map; undefined: they can */
  problemOf(map: ElfMap): string | undefined;
  lines: ReadonlyMap<string, LineRecord[]>;
  /** changes what CO-RE relocations say in a function's instructions; returns what could not be, by slot */
  relocateCore(fn: ElfFunction, insns: Insn[]): { slot: number; what: string }[];
}

export interface Linked {
  insns: Insn[];
  relocs: Reloc[];
  functions: FuncInfo[];
  lineInfo: LineInfo[];
  unresolved: { slot: number; what: string }[];
}

/**
 * A program with the functions that it calls behind it, each once, in the order that libbpf has them in (bpf_object__reloc_code): a function
 * follows where it is first called, before those that only it calls. Throws FormatError with section and symbol.
 */
export function linkProgram(main: ElfFunction, input: LinkInput): Linked {
  const linker = new Linker(input);
  linker.append(main);
  return linker.linked;
}

class Linker {
  readonly linked: Linked = { insns: [], relocs: [], functions: [], lineInfo: [], unresolved: [] };
  readonly #input: LinkInput;
  readonly #placed = new Map<ElfFunction, number>();

  constructor(input: LinkInput) {
    this.#input = input;
  }

  append(fn: ElfFunction): void {
    const { insns, functions, lineInfo } = this.linked;
    const { section, start, size } = fn;
    const base = insns.length;
    if (this.#placed.size >= MOST_FUNCTIONS)
      refuse(section, `function ${fn.name} is one of more than ${MOST_FUNCTIONS} in a program`, start);
    this.#placed.set(fn, base);
    const own = decodeInsns(section.bytes.subarray(start, start + size));
    for (const { slot, what } of this.#input.relocateCore(fn, own))
      this.linked.unresolved.push({ slot: base + slot, what });
    for (const insn of own) insns.push(insn);
    const { name, nargs, global, isProgram } = fn;
    functions.push({
      name,
      start: base,
      ...(nargs === undefined || isProgram ? {} : { nargs }),
      ...(global && !isProgram ? { global } : {}),
    });
    for (const { offset, ...line } of this.#input.lines.get(section.name) ?? [])
      if (offset >= start && offset < start + size)
        lineInfo.push({ slot: base + (offset - start) / INSN_SIZE, ...line });
    this.#relocate(fn, base, own.length);
  }

  #relocate(fn: ElfFunction, base: number, count: number): void {
    const { insns } = this.linked;
    const { section, start, size } = fn;
    const bySlot = new Map<number, Relocation>();
    for (const relocation of section.relocations) {
      const { offset } = relocation;
      if (offset >= start && offset < start + size) bySlot.set((offset - start) / INSN_SIZE, relocation);
    }
    for (let slot = 0; slot < count; slot++) {
      const insn = insns[base + slot];
      const relocation = bySlot.get(slot);
      if (insn.code === LD_IMM64 && slot + 1 >= count)
        refuse(section, `function ${fn.name} ends in the middle of an instruction`, start + slot * INSN_SIZE);
      if (relocation) this.#resolve(fn, base + slot, slot, relocation);
      else if (insn.code === CALL && insn.src === BPF_PSEUDO_CALL)
        this.#call(fn, base + slot, slot, start + (slot + insn.imm + 1) * INSN_SIZE);
      if (insn.code === LD_IMM64) slot++;
    }
    for (const [slot, relocation] of bySlot)
      if (!Number.isInteger(slot))
        refuse(section, `function ${fn.name}: a relocation inside of an instruction`, relocation.offset);
  }

  /** A call within a section, which has no relocation, and calls by relocation: at `at`, slot `slot` of fn, to byte `target` of a section. */
  #call(fn: ElfFunction, at: number, slot: number, target: number, section = fn.section): void {
    const insn = this.linked.insns[at];
    const callee = this.#input.functions.at(section, target);
    if (!callee)
      return refuse(
        fn.section,
        `function ${fn.name} refers to byte ${target} of section ${section.name}, where no function begins`,
        fn.start + slot * INSN_SIZE,
      );
    if (callee.isProgram)
      refuse(fn.section, `function ${fn.name} calls ${callee.name}, which is a program`, fn.start + slot * INSN_SIZE);
    if (!this.#placed.has(callee)) this.append(callee);
    insn.imm = this.#placed.get(callee)! - at - 1;
  }

  #resolve(fn: ElfFunction, at: number, slot: number, { offset, type, symbol }: Relocation): void {
    const { insns, relocs } = this.linked;
    const insn = insns[at];
    const wrong = (message: string): never =>
      refuse(fn.section, `function ${fn.name}: symbol ${symbol.name || "(nameless)"} ${message}`, offset);
    if (type !== R_BPF_64_64 && type !== R_BPF_64_32)
      wrong(`has relocation ${RELOCATIONS[type] ?? type}, which is not for instructions`);
    const extern = symbol.undefined ? this.#input.externs.get(symbol.name) : undefined;
    if (insn.code === CALL && type === R_BPF_64_32) {
      if (extern?.kind === "kfunc") {
        insn.src = BPF_PSEUDO_KFUNC_CALL;
        insn.imm = 0;
        relocs.push({ insn: at, kind: "kfunc", name: symbol.name });
        return;
      }
      if (!symbol.section) return wrong("is called, but not defined in this object");
      return this.#call(fn, at, slot, symbol.value + (insn.imm + 1) * INSN_SIZE, symbol.section);
    }
    if (insn.code !== LD_IMM64 || type !== R_BPF_64_64)
      return wrong("is referred to by an instruction that takes no address");
    const addend = insn.imm;
    insn.imm = 0;
    insns[at + 1].imm = 0;
    if (extern?.kind === "kconfig") {
      insn.src = BPF_PSEUDO_MAP_VALUE;
      insns[at + 1].imm = extern.offset;
      relocs.push({ insn: at, kind: "value", map: KCONFIG, off: extern.offset });
      return;
    }
    if (extern)
      return wrong(
        `is a ${extern.kind === "kfunc" ? "function" : "variable"} of the kernel; its address is not known here`,
      );
    const { section } = symbol;
    if (!section) return wrong("is not defined in this object");
    const place = symbol.value + addend;
    if (this.#input.functions.has(section)) {
      if (symbol.type !== STT_FUNC && symbol.type !== STT_SECTION) wrong("is no function");
      insn.src = BPF_PSEUDO_FUNC;
      return this.#call(fn, at, slot, place, section);
    }
    const map = this.#input.maps.find(
      (other) =>
        other.section === section && (other.value || (place >= other.start && place < other.start + other.size)),
    );
    if (!map) return wrong(`is in section ${section.name}, where no map and no variable is`);
    const problem = this.#input.problemOf(map);
    if (problem) wrong(problem);
    if (map.value) {
      insn.src = BPF_PSEUDO_MAP_VALUE;
      insns[at + 1].imm = place;
      relocs.push({ insn: at, kind: "value", map: map.def.name, off: place });
      return;
    }
    if (place !== map.start) wrong(`is byte ${place} of section ${section.name} the middle of a map`);
    insn.src = BPF_PSEUDO_MAP_FD;
    relocs.push({ insn: at, kind: "map", map: map.def.name });
  }
}
