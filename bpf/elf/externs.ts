import type { Btf } from "../btf/btf.ts";
import { MAP_TYPE_ARRAY } from "../program.ts";
import { type ElfFile, STB_WEAK } from "./file.ts";
import type { ElfMap } from "./maps.ts";

/** What an object expects from elsewhere: a function or variable of the kernel, or a value of its configuration. */
export type Extern =
  | { kind: "kfunc" | "ksym"; name: string }
  | { kind: "kconfig"; name: string; offset: number; size: number; weak: boolean };

export const KCONFIG = ".kconfig";
const KSYMS = ".ksyms";

/** Externs by name. The values of .kconfig are laid out as libbpf does: large ones first. */
export function readExterns({ symbols }: ElfFile, btf: Btf | undefined): Map<string, Extern> {
  const externs = new Map<string, Extern>();
  if (!btf) return externs;
  for (const { name } of members(btf, KSYMS))
    externs.set(name, { kind: btf.find(name, "func").length ? "kfunc" : "ksym", name });
  const values = members(btf, KCONFIG).map(({ name, type }) => ({ name, size: btf.sizeOf(type) ?? 8 }));
  values.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  let offset = 0;
  for (const { name, size } of values) {
    const align = Math.min(8, 2 ** Math.floor(Math.log2(size || 1)));
    offset = Math.ceil(offset / align) * align;
    const weak = symbols.some((symbol) => symbol.name === name && symbol.bind === STB_WEAK);
    externs.set(name, { kind: "kconfig", name, offset, size, weak });
    offset += size;
  }
  return externs;
}

function members(btf: Btf, section: string): { name: string; type: number }[] {
  return btf.find(section, "datasec").flatMap((id) => {
    const found = btf.type(id);
    return found.kind === "datasec" ? found.vars.map(({ type }) => ({ name: btf.type(type).name, type })) : [];
  });
}

/** The array that holds the values of .kconfig; undefined: none is asked for. */
export function kconfigMap(externs: ReadonlyMap<string, Extern>): ElfMap | undefined {
  let size = 0;
  for (const extern of externs.values())
    if (extern.kind === "kconfig") size = Math.max(size, extern.offset + extern.size);
  if (size === 0) return undefined;
  const section = {
    index: -1,
    name: KCONFIG,
    type: 0,
    flags: 0,
    size,
    align: 8,
    bytes: new Uint8Array(),
    relocations: [],
  };
  const def = { name: KCONFIG, type: MAP_TYPE_ARRAY, keySize: 4, valueSize: size, maxEntries: 1 };
  return { def, section, start: 0, size, value: new Uint8Array(size), frozen: true, slots: [] };
}
