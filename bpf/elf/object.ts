import { Btf } from "../btf/btf.ts";
import { relocateCore } from "../btf/core/relocate.ts";
import { type BtfExt, decodeBtfExt } from "../btf/ext.ts";
import { INSN_SIZE, type Insn } from "../insn.ts";
import {
  MAP_TYPE_ARRAY,
  MAP_TYPE_HASH,
  MAP_TYPE_PERCPU_ARRAY,
  MAP_TYPE_PERCPU_HASH,
  MAP_TYPE_PROG_ARRAY,
  type Program,
} from "../program.ts";
import { type Extern, KCONFIG, kconfigMap, readExterns } from "./externs.ts";
import { type ElfFile, type ElfSymbol, readElf, refuse, STT_OBJECT } from "./file.ts";
import { type ElfFunction, FunctionMap, readFunctions } from "./functions.ts";
import { linkProgram } from "./link.ts";
import { mapTypeName } from "./map-types.ts";
import { type ElfMap, readMaps } from "./maps.ts";
import { type SectionKind, sectionKind } from "./section-names.ts";

const MODELLED_MAPS = [MAP_TYPE_ARRAY, MAP_TYPE_HASH, MAP_TYPE_PROG_ARRAY, MAP_TYPE_PERCPU_ARRAY, MAP_TYPE_PERCPU_HASH];
/** Bytes of a hash's key, and of all values of a map. */
const MOST_KEY = 512;
const MOST_MAP = 64 * 1024 * 1024;
/** Instructions of all programs of an object together: functions are copied into each program that calls them. */
const MOST_INSNS = 4_000_000;

/** A program of an object, before it is linked. */
export interface ObjectProgram {
  name: string;
  section: string;
  kind: SectionKind | undefined;
  fn: ElfFunction;
}

/** A variable of an object: bytes [offset, offset + size) of the only value of a map. */
export interface Variable {
  name: string;
  map: string;
  offset: number;
  size: number;
}

/** An object as clang writes it (clang -O2 -g --target=bpf -c), loaded like libbpf does. */
export class BpfObject {
  readonly maps: ElfMap[];
  readonly programs: ObjectProgram[];
  readonly variables: Variable[];
  /** configuration values that the object must be told */
  readonly kconfig: Extract<Extern, { kind: "kconfig" }>[];
  readonly btf: Btf | undefined;
  readonly #functions: FunctionMap;
  readonly #externs: Map<string, Extern>;
  readonly #ext: BtfExt;
  #insns = 0;

  /** Throws FormatError. */
  constructor(bytes: Uint8Array) {
    const file = readElf(bytes);
    const btf = contents(file, ".BTF");
    this.btf = btf && new Btf(btf, "section .BTF");
    const ext = contents(file, ".BTF.ext");
    this.#ext =
      ext && this.btf ? decodeBtfExt(ext, this.btf) : { funcs: new Map(), lines: new Map(), cores: new Map() };
    const functions = readFunctions(file, this.btf);
    this.#functions = new FunctionMap(functions);
    this.#externs = readExterns(file, this.btf);
    const kconfig = kconfigMap(this.#externs);
    this.maps = [...readMaps(file, this.btf), ...(kconfig ? [kconfig] : [])];
    this.kconfig = [...this.#externs.values()].flatMap((extern) => (extern.kind === "kconfig" ? [extern] : []));
    this.variables = [...variables(file, this.maps), ...this.kconfig.map((extern) => ({ ...extern, map: KCONFIG }))];
    this.programs = functions
      .filter(({ isProgram }) => isProgram)
      .map((fn) => ({ name: fn.name, section: fn.section.name, kind: sectionKind(fn.section.name), fn }));
  }

  /** A program ready for the verifier, as type `type` (enum bpf_prog_type), on a kernel with the types `kernel`. Throws FormatError. */
  link({ fn }: ObjectProgram, type: number, kernel?: Btf): Program {
    const { insns, relocs, functions, lineInfo, unresolved } = linkProgram(fn, {
      functions: this.#functions,
      maps: this.maps,
      externs: this.#externs,
      problemOf: mapProblem,
      lines: this.#ext.lines,
      relocateCore: (inside, code) => this.#relocateCore(inside, code, kernel),
    });
    this.#insns += insns.length;
    if (this.#insns > MOST_INSNS) refuse(fn.section, `the programs have more than ${MOST_INSNS} instructions in all`);
    const program: Program = { name: fn.name, type, insns, relocs, functions, lineInfo };
    return unresolved.length ? { ...program, unresolved } : program;
  }

  /** Against `target`, a kernel's types; without, as if the kernel had the object's own. */
  #relocateCore({ section, start, size }: ElfFunction, insns: Insn[], target: Btf | undefined) {
    const unresolved: { slot: number; what: string }[] = [];
    for (const record of this.#ext.cores.get(section.name) ?? []) {
      const { offset } = record;
      if (offset < start || offset >= start + size) continue;
      const slot = (offset - start) / INSN_SIZE;
      if (!Number.isInteger(slot)) refuse(section, "a CO-RE relocation is inside of an instruction", offset);
      const what = relocateCore(insns, slot, record, this.btf!, target ?? this.btf!);
      if (what) unresolved.push({ slot, what });
    }
    return unresolved;
  }
}

/** Why programs cannot use a map: it is not modelled, or no kernel creates it (array_map_alloc_check and others); undefined: they can. */
export function mapProblem({ def }: ElfMap): string | undefined {
  const { type, keySize, valueSize, maxEntries } = def;
  if (!MODELLED_MAPS.includes(type)) return `is a map of type ${mapTypeName(type)}, which is not modelled`;
  const isHash = type === MAP_TYPE_HASH || type === MAP_TYPE_PERCPU_HASH;
  const wanted = type === MAP_TYPE_PROG_ARRAY ? 4 : valueSize || 1;
  if (maxEntries === 0 || (isHash ? keySize === 0 || keySize > MOST_KEY : keySize !== 4) || valueSize !== wanted)
    return `is a map that no kernel creates: key_size ${keySize}, value_size ${valueSize}, max_entries ${maxEntries}`;
  if (valueSize * maxEntries > MOST_MAP)
    return `is a map of ${valueSize * maxEntries} bytes; expected at most ${MOST_MAP}`;
  return undefined;
}

const contents = ({ sections }: ElfFile, name: string): Uint8Array | undefined =>
  sections.find((section) => section.name === name && section.bytes.length)?.bytes;

function variables({ symbols }: ElfFile, maps: readonly ElfMap[]): Variable[] {
  const variable = ({ name, section, value, size, type }: ElfSymbol): Variable[] => {
    const map =
      type === STT_OBJECT && name ? maps.find((other) => other.value && other.section === section) : undefined;
    return map && size > 0 && value + size <= map.size ? [{ name, map: map.def.name, offset: value, size }] : [];
  };
  return symbols.flatMap(variable);
}
