/** enum bpf_core_relo_kind, by number. */
export const CORE_KINDS = [
  "field_byte_offset",
  "field_byte_size",
  "field_exists",
  "field_signed",
  "field_lshift_u64",
  "field_rshift_u64",
  "type_id_local",
  "type_id_target",
  "type_exists",
  "type_size",
  "enumval_exists",
  "enumval_value",
  "type_matches",
] as const;
export type CoreKind = (typeof CORE_KINDS)[number];

export const isField = (kind: CoreKind): boolean => kind.startsWith("field_");
export const isEnumval = (kind: CoreKind): boolean => kind.startsWith("enumval_");

/** A type's name without its flavor: task_struct___old is task_struct as it once was. */
export function essentialName(name: string): string {
  const at = name.search(/[^_]___[^_]/);
  return at < 0 ? name : name.slice(0, at + 1);
}
