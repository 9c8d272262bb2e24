import { helperName } from "../helper-ids.ts";
import type { Reloc } from "../program.ts";
import type { MapRef } from "../xlated.ts";

export interface DisassembleOptions {
  /** slots that have names, for jumps, calls and addresses of functions */
  labels?: ReadonlyMap<string, number>;
  functions?: readonly { name: string; start: number }[];
  /** of a program as loaded */
  relocs?: readonly Reloc[];
  /** of a program as the verifier hands it on (Xlated) */
  mapRefs?: readonly MapRef[];
  /** slot of a CALL -> kernel function, as in Xlated */
  calls?: ReadonlyMap<number, string>;
  /** what imm of a call of a subprogram, or of a function's address, says: the default, or an index as in Xlated */
  callees?: "distance" | "index";
  /** how helpers are called: by name (the default) or by number, as LLVM prints them */
  helpers?: "names" | "numbers";
}

const NAME = /^[A-Za-z_.$][\w.$]*$/;
const NOT_A_SYMBOL = /^([rw][0-9]+|ll|pc|kfunc)$/;

const isSymbol = (name: string): boolean => NAME.test(name) && !NOT_A_SYMBOL.test(name);

/** The names that a disassembly may use. A name that the assembler would read otherwise is left out. */
export class Symbols {
  readonly #options: DisassembleOptions;
  readonly #labels = new Map<number, string>();
  readonly #names = new Set<string>();
  readonly #relocs: ReadonlyMap<number, Reloc>;
  readonly #mapRefs: ReadonlyMap<number, MapRef>;

  /** @param canLabel whether a label can stand before a slot */
  constructor(options: DisassembleOptions, canLabel: (slot: number) => boolean) {
    this.#options = options;
    const functions = (options.functions ?? []).map(({ name, start }) => [name, start] as const);
    for (const [name, slot] of [...functions, ...(options.labels ?? [])]) {
      if (!isSymbol(name) || !canLabel(slot) || this.#labels.has(slot) || this.#names.has(name)) continue;
      this.#labels.set(slot, name);
      this.#names.add(name);
    }
    this.#relocs = new Map(options.relocs?.map((reloc) => [reloc.insn, reloc]));
    this.#mapRefs = new Map(options.mapRefs?.map((ref) => [ref.insn, ref]));
  }

  labelAt(slot: number): string | undefined {
    return this.#labels.get(slot);
  }

  /** The function that `imm` of the call or LD_IMM64 at `slot` means. */
  callee(slot: number, imm: number): string | undefined {
    const start = this.#options.callees === "index" ? this.#options.functions?.[imm]?.start : slot + 1 + imm;
    return start === undefined ? undefined : this.#labels.get(start);
  }

  helper(id: number): string | undefined {
    if (this.#options.helpers === "numbers" || id === 0) return undefined;
    const name = helperName(id);
    return name !== undefined && !this.#names.has(name) ? name : undefined;
  }

  /** The kernel function that the CALL at `slot` calls, where the program says so by name. */
  kernelFunctionAt(slot: number): string | undefined {
    const reloc = this.#relocs.get(slot);
    const name = reloc?.kind === "kfunc" ? reloc.name : this.#options.calls?.get(slot);
    return name !== undefined && isSymbol(name) && !this.#names.has(name) ? name : undefined;
  }

  /** The member whose offset the loader puts into the instruction at `slot`. */
  fieldAt(slot: number): string | undefined {
    const reloc = this.#relocs.get(slot);
    return reloc?.kind === "field" && reloc.field.includes(".") && isSymbol(reloc.field) ? reloc.field : undefined;
  }

  /** What the LD_IMM64 at `slot` refers to. */
  mapAt(slot: number): MapRef | undefined {
    const reloc = this.#relocs.get(slot);
    const ref =
      reloc?.kind === "map"
        ? { insn: slot, map: reloc.map, kind: "map" as const, off: 0 }
        : reloc?.kind === "value"
          ? { insn: slot, map: reloc.map, kind: "value" as const, off: reloc.off }
          : this.#mapRefs.get(slot);
    return ref && isSymbol(ref.map) && !this.#names.has(ref.map) ? ref : undefined;
  }
}
