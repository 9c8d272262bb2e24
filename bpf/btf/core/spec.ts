import { FormatError } from "../../reader.ts";
import type { Btf } from "../btf.ts";
import type { CoreRecord } from "../ext.ts";
import { type CoreKind, isEnumval, isField } from "./kinds.ts";

/** One step of an access: into a member, or to an element of an array. */
export interface Step {
  /** undefined: an element */
  name?: string;
  index: number;
  /** the type stepped into, as it is in its own BTF */
  type: number;
}

/** Where an access ends: struct bpf_core_spec. */
export interface Spec {
  btf: Btf;
  kind: CoreKind;
  /** type that the access starts from */
  root: number;
  steps: Step[];
  /** of the field, from the start of the root */
  bitOffset: number;
  /** width of a bit field, else 0 */
  bits: number;
  /** the field's type; of a type or an enumerator: the root */
  type: number;
  /** of an enumerator */
  enumerator?: { name: string; value: bigint };
}

const wrong = (record: CoreRecord, message: string): never => {
  throw new FormatError(
    "section .BTF.ext",
    `the CO-RE relocation of type ${record.type}, "${record.access}", ${message}`,
  );
};

/** What a relocation refers to in the object's own types (bpf_core_parse_spec). Throws FormatError. */
export function localSpec(btf: Btf, record: CoreRecord, kind: CoreKind): Spec {
  const numbers = record.access.split(":").map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : Number.NaN));
  if (numbers.some(Number.isNaN)) wrong(record, "is no list of indices");
  const spec: Spec = { btf, kind, root: record.type, steps: [], bitOffset: 0, bits: 0, type: record.type };
  if (isEnumval(kind)) {
    const type = btf.plain(record.type);
    if (type.kind !== "enum" && type.kind !== "enum64") return wrong(record, "is about no enum");
    return { ...spec, enumerator: type.values[numbers[0]] ?? wrong(record, "is about no enumerator") };
  }
  if (!isField(kind)) return spec;
  const [first, ...rest] = numbers;
  const size = btf.sizeOf(record.type) ?? wrong(record, "is about a type without a size");
  spec.bitOffset = first * size * 8;
  spec.steps.push({ index: first, type: record.type });
  for (const index of rest) stepInto(spec, index, record);
  return spec;
}

function stepInto(spec: Spec, index: number, record: CoreRecord): void {
  const { btf } = spec;
  const type = btf.plain(spec.type);
  if (type.kind === "struct" || type.kind === "union") {
    const member =
      type.members[index] ?? wrong(record, `has no member ${index} in ${type.name || "a nameless struct"}`);
    spec.bitOffset += member.bitOffset;
    spec.bits = member.bits;
    spec.type = member.type;
    if (member.name) spec.steps.push({ name: member.name, index, type: member.type });
  } else if (type.kind === "array") {
    const size = btf.sizeOf(type.type) ?? wrong(record, "is about elements without a size");
    spec.bitOffset += index * size * 8;
    spec.bits = 0;
    spec.type = type.type;
    spec.steps.push({ index, type: type.type });
  } else wrong(record, `steps into a type that has no members (${type.kind})`);
}
