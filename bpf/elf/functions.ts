import type { Btf } from "../btf/btf.ts";
import { INSN_SIZE } from "../insn.ts";
import { type ElfFile, refuse, type Section, SHF_EXECINSTR, SHT_PROGBITS, STB_LOCAL, STT_FUNC } from "./file.ts";

/** A function of an object: its code is `size` bytes at `start` of a section. */
export interface ElfFunction {
  name: string;
  section: Section;
  start: number;
  size: number;
  /** the verifier checks it by itself, whoever calls it */
  isGlobal: boolean;
  /** a program, not a function that programs call */
  isProgram: boolean;
  /** number of arguments, where BTF tells; undefined: also for int f(struct __sk_buff *) and the like */
  nargs?: number;
}

export const TEXT = ".text";

const isCode = ({ type, flags }: Section): boolean => type === SHT_PROGBITS && (flags & SHF_EXECINSTR) !== 0;

/** All functions, in order of section and place. Throws FormatError. */
export function readFunctions({ symbols }: ElfFile, btf: Btf | undefined): ElfFunction[] {
  const functions: ElfFunction[] = [];
  for (const { name, type, bind, section, value, size } of symbols) {
    if (type !== STT_FUNC || !section || !isCode(section)) continue;
    if (size === 0 || size % INSN_SIZE || value % INSN_SIZE || value + size > section.bytes.length)
      refuse(section, `function ${name} of ${size} bytes is no whole number of instructions in it`, value);
    const isGlobal = bind !== STB_LOCAL;
    const isProgram = section.name !== TEXT && isGlobal;
    functions.push({ name, section, start: value, size, isGlobal, isProgram, ...argumentsOf(btf, name) });
  }
  return functions.sort((a, b) => a.section.index - b.section.index || a.start - b.start);
}

function argumentsOf(btf: Btf | undefined, name: string): { nargs?: number } {
  for (const id of btf?.find(name, "func") ?? []) {
    const func = btf!.type(id);
    const proto = func.kind === "func" ? btf!.type(func.type) : undefined;
    if (proto?.kind !== "func_proto") continue;
    const isContext = proto.params.length === 1 && btf!.plain(proto.params[0].type).kind === "ptr";
    return isContext ? {} : { nargs: proto.params.length };
  }
  return {};
}

/** Functions by where their code begins. */
export class FunctionMap {
  readonly #byPlace = new Map<string, ElfFunction>();
  readonly #sections = new Set<Section>();

  constructor(functions: readonly ElfFunction[]) {
    for (const fn of functions) {
      this.#byPlace.set(`${fn.section.index}:${fn.start}`, fn);
      this.#sections.add(fn.section);
    }
  }

  /** The function whose code begins at byte `start` of a section. */
  at(section: Section, start: number): ElfFunction | undefined {
    return this.#byPlace.get(`${section.index}:${start}`);
  }

  has(section: Section): boolean {
    return this.#sections.has(section);
  }
}
