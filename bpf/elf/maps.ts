import type { Btf } from "../btf/btf.ts";
import type { BtfStruct } from "../btf/types.ts";
import { MAP_TYPE_ARRAY, MAP_TYPE_PROG_ARRAY, type MapDef } from "../program.ts";
import { Reader } from "../reader.ts";
import { type ElfFile, refuse, type Section, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS, STT_FUNC } from "./file.ts";
import { mapTypeName } from "./map-types.ts";

/** A map as an object declares it. */
export interface ElfMap {
  def: MapDef;
  /** where it is declared: symbols of that section from `start` on, `size` bytes, mean it */
  section: Section;
  start: number;
  size: number;
  /** .data, .bss, .rodata: the only element's value, valueSize bytes */
  value?: Uint8Array;
  /** .rodata: no program and nobody else changes it */
  frozen: boolean;
  /** programs that the declaration puts into it */
  slots: { index: number; program: string }[];
}

/** Bytes of .bss and of other variables: what is kept in memory. */
const MOST_DATA = 16 * 1024 * 1024;
const MAPS = ".maps";
const LEGACY = "maps";
/** struct bpf_map_def: type, key_size, value_size, max_entries, map_flags */
const LEGACY_SIZE = 20;

/** All maps, those of variables included. Throws FormatError. */
export function readMaps(file: ElfFile, btf: Btf | undefined): ElfMap[] {
  return file.sections.flatMap((section) => {
    if (section.name === MAPS) return declared(section, file, btf);
    if (section.name === LEGACY) return legacy(section, file);
    return isData(section) ? [dataMap(section)] : [];
  });
}

const isData = ({ name, type, size }: Section): boolean =>
  /^\.(data|rodata|bss)(\.|$)/.test(name) && (type === SHT_PROGBITS || type === SHT_NOBITS) && size > 0;

/** Variables are the value of an array with one element, as libbpf has it. */
function dataMap(section: Section): ElfMap {
  const { name, bytes, size, flags, type } = section;
  if (size > MOST_DATA) refuse(section, `is ${size} bytes of variables; expected at most ${MOST_DATA}`);
  const value = type === SHT_NOBITS ? new Uint8Array(size) : Uint8Array.from(bytes);
  const def: MapDef = { name, type: MAP_TYPE_ARRAY, keySize: 4, valueSize: size, maxEntries: 1 };
  const frozen = name.startsWith(".rodata") && (flags & SHF_WRITE) === 0;
  return { def, section, start: 0, size, value, frozen, slots: [] };
}

/** SEC("maps") struct bpf_map_def, as before libbpf 1.0. */
function legacy(section: Section, { symbols }: ElfFile): ElfMap[] {
  const data = new Reader(section.bytes, "section maps");
  const found = symbols.filter((symbol) => symbol.section === section && symbol.name !== "" && symbol.type !== 3);
  if (found.length === 0) return [];
  const step = section.size / found.length;
  if (!Number.isInteger(step) || step < LEGACY_SIZE)
    data.fail(`${section.size} bytes for ${found.length} maps; expected a struct bpf_map_def each`);
  return found.map(({ name, value }) => {
    const [type, keySize, valueSize, maxEntries] = [0, 4, 8, 12].map((at) => data.u32(value + at));
    const def: MapDef = { name, type, keySize, valueSize, maxEntries };
    return { def, section, start: value, size: step, frozen: false, slots: [] };
  });
}

/** SEC(".maps"), whose declarations are types: int (*type)[BPF_MAP_TYPE_ARRAY]. */
function declared(section: Section, file: ElfFile, btf: Btf | undefined): ElfMap[] {
  const symbols = file.symbols.filter(
    (symbol) => symbol.section === section && symbol.name !== "" && symbol.type !== 3,
  );
  if (symbols.length && !btf) refuse(section, "declares maps by types, but there is no BTF; compile with -g");
  return symbols.map(({ name, value, size }) => {
    const struct = structOf(btf!, name) ?? refuse(section, `there is no BTF of map ${name}`);
    const { def, values } = mapDef(btf!, section, name, struct);
    const slots = values === undefined ? [] : staticSlots(section, name, value, size, values);
    return { def, section, start: value, size, frozen: false, slots };
  });
}

function structOf(btf: Btf, name: string): BtfStruct | undefined {
  for (const id of btf.find(name, "var")) {
    const variable = btf.type(id);
    const type = variable.kind === "var" ? btf.plain(variable.type) : undefined;
    if (type?.kind === "struct") return type;
  }
  return undefined;
}

/** parse_btf_map_def() of libbpf; `values`: bytes from the declaration's start to the static contents. */
function mapDef(btf: Btf, section: Section, name: string, struct: BtfStruct): { def: MapDef; values?: number } {
  const def = { name, type: 0, keySize: 0, valueSize: 0, maxEntries: 0 };
  let values: number | undefined;
  const wrong = (member: string, what: string): never => refuse(section, `map ${name}: ${member} ${what}`);
  /** __uint(member, N): a pointer to an array of N elements */
  const number = (member: string, type: number): number => {
    const ptr = btf.plain(type);
    const array = ptr.kind === "ptr" ? btf.plain(ptr.type) : undefined;
    return array?.kind === "array" ? array.count : wrong(member, "is not declared by __uint");
  };
  /** __type(member, T): a pointer to T */
  const size = (member: string, type: number): number => {
    const ptr = btf.plain(type);
    const bytes = ptr.kind === "ptr" ? btf.sizeOf(ptr.type) : undefined;
    return bytes ?? wrong(member, "is not declared by __type");
  };
  for (const { name: member, type, bitOffset } of struct.members) {
    if (member === "type") def.type = number(member, type);
    else if (member === "max_entries") def.maxEntries = number(member, type);
    else if (member === "key_size") def.keySize = number(member, type);
    else if (member === "value_size") def.valueSize = number(member, type);
    else if (member === "key") def.keySize = size(member, type);
    else if (member === "value") def.valueSize = size(member, type);
    else if (member === "values") values = bitOffset >> 3;
    else if (!IGNORED.has(member)) wrong(member, "is nothing that a map has");
  }
  if (def.type === 0) wrong("type", "is missing");
  if (def.type === MAP_TYPE_PROG_ARRAY) {
    def.keySize ||= 4;
    def.valueSize ||= 4;
  } else if (values !== undefined) wrong("values", `are for a prog_array, not for ${mapTypeName(def.type)}`);
  return values === undefined ? { def } : { def, values };
}

/** Members that change nothing here. */
const IGNORED = new Set(["map_flags", "numa_node", "pinning", "map_extra"]);

/** Pointers to programs behind a declaration: each relocation is a slot. */
function staticSlots(section: Section, map: string, start: number, size: number, values: number): ElfMap["slots"] {
  return section.relocations
    .filter(({ offset }) => offset >= start + values && offset < start + size)
    .map(({ offset, symbol }) => {
      const at = offset - start - values;
      if (at % 8) refuse(section, `map ${map}: values has a pointer at byte ${at}`, offset);
      if (symbol.type !== STT_FUNC)
        refuse(section, `map ${map}: values[${at / 8}] is ${symbol.name || "a section"}, no program`, offset);
      return { index: at / 8, program: symbol.name };
    });
}
