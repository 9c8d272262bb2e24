import type { Reader } from "../reader.ts";
import type { BtfKind, BtfMember, BtfType } from "./types.ts";

/** By number (BTF_KIND_*). */
export const KINDS: readonly BtfKind[] = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
];

/** name_off, info, size or type: bytes that every type begins with. */
const COMMON = 12;
/** Bytes of what follows: once, and per vlen. */
const REST: Partial<Record<BtfKind, { once?: number; each?: number }>> = {
  int: { once: 4 },
  array: { once: 12 },
  struct: { each: 12 },
  union: { each: 12 },
  enum: { each: 8 },
  func_proto: { each: 8 },
  var: { once: 4 },
  datasec: { each: 12 },
  decl_tag: { once: 4 },
  enum64: { each: 12 },
};

function info(types: Reader, at: number): { kind: BtfKind; vlen: number; flag: boolean } {
  const word = types.u32(at + 4);
  const number = (word >>> 24) & 31;
  const kind = KINDS[number];
  if (number === 0 || kind === undefined) types.fail(`unknown kind ${number} of type`, at);
  return { kind, vlen: word & 0xffff, flag: word >>> 31 === 1 };
}

/** Bytes that the type at `at` takes. */
export function typeSize(types: Reader, at: number): number {
  const { kind, vlen } = info(types, at);
  const { once = 0, each = 0 } = REST[kind] ?? {};
  const size = COMMON + once + each * vlen;
  types.slice(at, size);
  return size;
}

/** The type at `at`; `text` gives names. */
export function decodeType(types: Reader, at: number, text: (offset: number) => string): BtfType {
  const { kind, vlen, flag } = info(types, at);
  const name = text(types.u32(at));
  const size = types.u32(at + 8);
  const type = size;
  const rest = at + COMMON;
  const each = <T>(step: number, make: (at: number) => T): T[] =>
    Array.from({ length: vlen }, (_, i) => make(rest + step * i));
  switch (kind) {
    case "int": {
      const word = types.u32(rest);
      const encoding = (word >>> 24) & 15;
      const bits = { bitOffset: (word >>> 16) & 0xff, bits: word & 0xff };
      return { kind, name, size, signed: (encoding & 1) !== 0, bool: (encoding & 4) !== 0, ...bits };
    }
    case "float":
      return { kind, name, size };
    case "ptr":
    case "const":
    case "volatile":
    case "restrict":
      return { kind, name: "", type };
    case "typedef":
    case "type_tag":
      return { kind, name, type };
    case "array":
      return { kind, name: "", type: types.u32(rest), index: types.u32(rest + 4), count: types.u32(rest + 8) };
    case "struct":
    case "union":
      return { kind, name, size, members: each(12, (place) => member(types, place, flag, text)) };
    case "enum": {
      const value = (place: number) => BigInt(flag ? types.s32(place) : types.u32(place));
      const values = each(8, (place) => ({ name: text(types.u32(place)), value: value(place + 4) }));
      return { kind, name, size, signed: flag, values };
    }
    case "enum64": {
      const values = each(12, (place) => {
        const bits = types.u64(place + 4);
        return { name: text(types.u32(place)), value: flag ? BigInt.asIntN(64, bits) : bits };
      });
      return { kind, name, size, signed: flag, values };
    }
    case "fwd":
      return { kind, name, of: flag ? "union" : "struct" };
    case "func":
      return { kind, name, type, linkage: vlen };
    case "func_proto":
      return {
        kind,
        name: "",
        type,
        params: each(8, (place) => ({ name: text(types.u32(place)), type: types.u32(place + 4) })),
      };
    case "var":
      return { kind, name, type, linkage: types.u32(rest) };
    case "datasec": {
      const variable = (place: number) => ({
        type: types.u32(place),
        offset: types.u32(place + 4),
        size: types.u32(place + 8),
      });
      return { kind, name, size, vars: each(12, variable) };
    }
    case "decl_tag":
      return { kind, name, type, component: types.s32(rest) };
    default:
      return types.fail(`unknown kind of type`, at);
  }
}

/** With kind_flag the upper 8 bits of the offset are the width of a bit field. */
function member(types: Reader, at: number, flag: boolean, text: (offset: number) => string): BtfMember {
  const offset = types.u32(at + 8);
  const [bitOffset, bits] = flag ? [offset & 0xffffff, offset >>> 24] : [offset, 0];
  return { name: text(types.u32(at)), type: types.u32(at + 4), bitOffset, bits };
}
