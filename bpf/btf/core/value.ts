import type { Spec } from "./spec.ts";

/** What a relocation comes to, and how many bytes the field takes when it is loaded at once (0: it is no such field). */
export interface CoreValue {
  value: bigint;
  size: number;
  signed: boolean;
}

/** The value of a relocation; undefined: the kernel has not got the type, field or enumerator. */
export function coreValue(local: Spec, found: Spec | undefined): CoreValue | undefined {
  const plain = (value: number | bigint): CoreValue => ({ value: BigInt(value), size: 0, signed: false });
  switch (local.kind) {
    case "type_id_local":
      return plain(local.root);
    case "field_exists":
    case "type_exists":
    case "type_matches":
    case "enumval_exists":
      return plain(found ? 1 : 0);
  }
  if (!found) return undefined;
  if (local.kind === "type_id_target") return plain(found.root);
  if (local.kind === "type_size") return plain(found.btf.sizeOf(found.root) ?? 0);
  if (local.kind === "enumval_value") return plain(BigInt.asUintN(64, found.enumerator!.value));
  return fieldValue(found);
}

/** bpf_core_calc_field_relo(), little-endian. A bit field is loaded as the smallest aligned integer that holds it. */
function fieldValue({ btf, kind, type: id, bitOffset, bits }: Spec): CoreValue | undefined {
  const type = btf.plain(id);
  let bytes = btf.sizeOf(id) ?? 0;
  let offset = Math.floor(bitOffset / 8);
  if (bits) {
    bytes ||= 1;
    const place = () => Math.floor(bitOffset / 8 / bytes) * bytes;
    for (offset = place(); bitOffset + bits - offset * 8 > bytes * 8; offset = place()) {
      if (bytes >= 8) return undefined;
      bytes *= 2;
    }
  }
  const isWhole =
    !bits && (type.kind === "int" || type.kind === "ptr" || type.kind === "enum" || type.kind === "enum64");
  const signed = "signed" in type && type.signed;
  const result = (value: number): CoreValue => ({ value: BigInt(value), size: isWhole ? bytes : 0, signed });
  switch (kind) {
    case "field_byte_offset":
      return result(offset);
    case "field_byte_size":
      return result(bytes);
    case "field_signed":
      return result(signed ? 1 : 0);
    case "field_lshift_u64":
      return result(bits ? 64 - (bitOffset + bits - offset * 8) : 64 - bytes * 8);
    default:
      return result(64 - (bits || bytes * 8));
  }
}
