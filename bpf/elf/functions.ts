import type { Btf } from "../btf/btf.ts";
import { INSN_SIZE } from "../insn.ts";
import type { GlobalParameter } from "../program.ts";
import { type ElfFile, refuse, type Section, SHF_EXECINSTR, SHT_PROGBITS, STB_LOCAL, STT_FUNC } from "./file.ts";

/** A function of an object: its code is `size` bytes at `start` of a section. */
export interface ElfFunction {
  name: string;
  section: Section;
  start: number;
  size: number;
  /** parameters of a global function, where BTF tells */
  global?: GlobalParameter[];
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
    const params = paramsOf(btf, name);
    functions.push({
      name,
      section,
      start: value,
      size,
      isProgram,
      ...(params ? argumentsOf(btf!, params) : {}),
      ...(params && isGlobal && !isProgram ? { global: params.map((param) => parameter(btf!, param)) } : {}),
    });
  }
  return functions.sort((a, b) => a.section.index - b.section.index || a.start - b.start);
}

/** Types of the function's parameters; undefined: BTF does not know it. */
function paramsOf(btf: Btf | undefined, name: string): number[] | undefined {
  for (const id of btf?.find(name, "func") ?? []) {
    const func = btf!.type(id);
    const proto = func.kind === "func" ? btf!.type(func.type) : undefined;
    if (proto?.kind === "func_proto") return proto.params.map(({ type }) => type);
  }
  return undefined;
}

function argumentsOf(btf: Btf, params: readonly number[]): { nargs?: number } {
  const isContext = params.length === 1 && btf.plain(params[0]).kind === "ptr";
  return isContext ? {} : { nargs: params.length };
}

/** Structs that programs are handed, by the names that C programs know them by. */
const CONTEXTS = [
  "__sk_buff",
  "xdp_md",
  "bpf_raw_tracepoint_args",
  "pt_regs",
  "bpf_perf_event_data",
  "bpf_user_pt_regs_t",
];

function parameter(btf: Btf, id: number): GlobalParameter {
  const type = btf.plain(id);
  if (type.kind !== "ptr") return "scalar";
  if (CONTEXTS.includes(btf.plain(type.type).name)) return "ctx";
  return { mem: btf.sizeOf(type.type) ?? 0 };
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
