/** A type as BTF has it (include/uapi/linux/btf.h). Type ids count from 1; 0 is void. Sizes are bytes. */
export type BtfType =
  | { kind: "void"; name: "" }
  | { kind: "int"; name: string; size: number; signed: boolean; bool: boolean; bitOffset: number; bits: number }
  | { kind: "float"; name: string; size: number }
  | { kind: "ptr"; name: ""; type: number }
  | { kind: "const" | "volatile" | "restrict"; name: ""; type: number }
  | { kind: "typedef" | "type_tag"; name: string; type: number }
  | { kind: "array"; name: ""; type: number; index: number; count: number }
  | { kind: "struct" | "union"; name: string; size: number; members: BtfMember[] }
  | { kind: "enum" | "enum64"; name: string; size: number; signed: boolean; values: { name: string; value: bigint }[] }
  | { kind: "fwd"; name: string; of: "struct" | "union" }
  | { kind: "func"; name: string; type: number; linkage: number }
  | { kind: "func_proto"; name: ""; type: number; params: { name: string; type: number }[] }
  | { kind: "var"; name: string; type: number; linkage: number }
  | { kind: "datasec"; name: string; size: number; vars: { type: number; offset: number; size: number }[] }
  | { kind: "decl_tag"; name: string; type: number; component: number };

export type BtfKind = BtfType["kind"];
export type BtfStruct = Extract<BtfType, { members: BtfMember[] }>;

/** `bitOffset`: from the start of its struct; `bits`: width of a bit field, 0 for others. */
export interface BtfMember {
  name: string;
  type: number;
  bitOffset: number;
  bits: number;
}

/** enum btf_func_linkage, and of variables BTF_VAR_*. */
export const LINKAGE_STATIC = 0;
export const LINKAGE_GLOBAL = 1;
export const LINKAGE_EXTERN = 2;
