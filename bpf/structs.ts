/** Layout of one kernel struct: bytes, or "bitN:W" for a bit field of W bits at bit N. */
export interface StructLayout {
  size: number;
  members: Record<string, number | string>;
}

/** Layouts by struct name, as a kernel's BTF gives them. */
export type Structs = Record<string, StructLayout>;

/** Byte offset of "struct.member". Throws RangeError when the layout doesn't know it or it is a bit field. */
export function offsetOf(structs: Structs, field: string): number {
  const dot = field.indexOf(".");
  const offset = structs[field.slice(0, dot)]?.members[field.slice(dot + 1)];
  if (typeof offset !== "number") throw new RangeError(`the layout doesn't say where ${field} is`);
  return offset;
}
