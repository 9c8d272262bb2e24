import type { Structs } from "../structs.ts";
import type { Btf } from "./btf.ts";
import type { BtfStruct } from "./types.ts";

/** Structs in structs, members without a name: the kernel nests a few. */
const MOST_NESTING = 16;

/** Where a member is, those of nameless structs and unions included: bits from the struct's start; width of a bit field, else 0. */
export interface FoundMember {
  bitOffset: number;
  bits: number;
  type: number;
}

/** The member of that name, or undefined. Names of nested ones are joined by dots. */
export function findMember(btf: Btf, struct: BtfStruct, name: string): FoundMember | undefined {
  const [first, ...rest] = name.split(".");
  const found = direct(btf, struct, first, 0);
  if (!found || rest.length === 0) return found;
  const inner = btf.plain(found.type);
  if (inner.kind !== "struct" && inner.kind !== "union") return undefined;
  const deeper = findMember(btf, inner, rest.join("."));
  return deeper && { ...deeper, bitOffset: found.bitOffset + deeper.bitOffset };
}

function direct(btf: Btf, struct: BtfStruct, name: string, depth: number): FoundMember | undefined {
  for (const { name: own, type, bitOffset, bits } of struct.members) {
    if (own === name) return { bitOffset, bits, type };
    if (own !== "" || depth >= MOST_NESTING) continue;
    const inner = btf.plain(type);
    if (inner.kind !== "struct" && inner.kind !== "union") continue;
    const found = direct(btf, inner, name, depth + 1);
    if (found) return { ...found, bitOffset: bitOffset + found.bitOffset };
  }
  return undefined;
}

/** The struct of that name that has a body; undefined: there is none. */
export function structNamed(btf: Btf, name: string): BtfStruct | undefined {
  const id = btf.find(name, "struct", "union")[0];
  return id === undefined ? undefined : (btf.type(id) as BtfStruct);
}

/**
 * The layouts of `wanted` as a kernel's BTF has them: the same structs and members, each with this kernel's size and places. `missing` are the
 * "struct" and "struct.member" that it hasn't got; they are left out.
 */
export function layoutsOf(btf: Btf, wanted: Structs): { structs: Structs; missing: string[] } {
  const structs: Structs = {};
  const missing: string[] = [];
  for (const [name, layout] of Object.entries(wanted)) {
    const struct = structNamed(btf, name);
    if (!struct) {
      missing.push(name);
      continue;
    }
    const members: Record<string, number | string> = {};
    for (const member of Object.keys(layout.members)) {
      const found = findMember(btf, struct, member);
      if (!found) missing.push(`${name}.${member}`);
      else members[member] = found.bits ? `bit${found.bitOffset}:${found.bits}` : found.bitOffset >> 3;
    }
    structs[name] = { ...layout, size: struct.size, members };
  }
  return { structs, missing };
}
