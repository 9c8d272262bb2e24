import type { StructLayout, Structs } from "../structs.ts";

/** A struct that programs walk through pointers to: what the kernel's BTF says of its members beyond their place. Size 0: not known. */
export interface BtfLayout extends StructLayout {
  /** members that point to structs, by the struct's name */
  pointers?: Record<string, string>;
  /** pointers among them that stay valid (BTF_TYPE_SAFE_TRUSTED, BTF_TYPE_SAFE_RCU) */
  trusted?: readonly string[];
  rcu?: readonly string[];
}

export type BtfStructs = Record<string, BtfLayout>;

/** Where a bit field is: its byte, and the bits in it. Throws RangeError when the layout does not know. */
export function bitField(structs: Structs, field: string): { byte: number; mask: number; shift: number } {
  const dot = field.indexOf(".");
  const at = structs[field.slice(0, dot)]?.members[field.slice(dot + 1)];
  const bits = typeof at === "string" ? /^bit(\d+):(\d+)$/.exec(at) : null;
  if (!bits) throw new RangeError(`the layout doesn't say which bits ${field} is`);
  const [bit, width] = [Number(bits[1]), Number(bits[2])];
  const shift = bit & 7;
  return { byte: bit >> 3, mask: ((1 << width) - 1) << shift, shift };
}

/** `base` with the layouts of `other` in their place, member by member. */
export function withStructs(base: BtfStructs, other: BtfStructs): BtfStructs {
  const merged: BtfStructs = { ...base };
  for (const [name, layout] of Object.entries(other)) {
    const old = merged[name];
    if (!old) merged[name] = layout;
    else
      merged[name] = {
        ...old,
        ...layout,
        members: { ...old.members, ...layout.members },
        pointers: { ...old.pointers, ...layout.pointers },
      };
  }
  return merged;
}
