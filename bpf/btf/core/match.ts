import type { Btf } from "../btf.ts";
import { findMember } from "../layout.ts";
import type { BtfKind } from "../types.ts";
import { essentialName, isEnumval, isField } from "./kinds.ts";
import type { Spec } from "./spec.ts";

/** Types of types that are compared. */
const MOST_DEPTH = 32;

/** The kernel's types that a local type may mean: the same name without its flavor, the same kind. */
export function candidates({ btf, root }: Spec, target: Btf): number[] {
  const type = btf.type(root);
  const kinds: BtfKind[] = type.kind === "enum" || type.kind === "enum64" ? ["enum", "enum64"] : [type.kind];
  return type.name ? target.find(essentialName(type.name), ...kinds) : [];
}

/** The same access from type `root` of the kernel (bpf_core_spec_match); undefined: it hasn't got that. */
export function matchSpec(local: Spec, target: Btf, root: number): Spec | undefined {
  const spec: Spec = { ...local, btf: target, root, steps: [], bitOffset: 0, bits: 0, type: root };
  if (isEnumval(local.kind)) {
    const type = target.plain(root);
    if (type.kind !== "enum" && type.kind !== "enum64") return undefined;
    const wanted = essentialName(local.enumerator!.name);
    const enumerator = type.values.find(({ name }) => essentialName(name) === wanted);
    return enumerator && { ...spec, enumerator };
  }
  if (!isField(local.kind)) return isCompatible(local.btf, local.root, target, root) ? spec : undefined;
  for (const [at, { name, index, type }] of local.steps.entries()) {
    const here = target.plain(spec.type);
    if (at === 0) spec.bitOffset = index * (target.sizeOf(root) ?? 0) * 8;
    else if (name !== undefined) {
      if (here.kind !== "struct" && here.kind !== "union") return undefined;
      const found = findMember(target, here, name);
      if (!found || !isCompatibleField(local.btf, type, target, found.type)) return undefined;
      spec.bitOffset += found.bitOffset;
      spec.bits = found.bits;
      spec.type = found.type;
    } else {
      if (here.kind !== "array" || (index >= here.count && here.count > 0)) return undefined;
      spec.bitOffset += index * (target.sizeOf(here.type) ?? 0) * 8;
      spec.bits = 0;
      spec.type = here.type;
    }
    spec.steps.push({ ...local.steps[at], type: spec.type });
  }
  return spec;
}

/** bpf_core_fields_are_compat() */
function isCompatibleField(a: Btf, aType: number, b: Btf, bType: number): boolean {
  let left = a.plain(aType);
  let right = b.plain(bType);
  for (let depth = 0; left.kind === "array" && right.kind === "array" && depth < MOST_DEPTH; depth++) {
    left = a.plain(left.type);
    right = b.plain(right.type);
  }
  const isComposite = (kind: BtfKind) => kind === "struct" || kind === "union";
  const isEnum = (kind: BtfKind) => kind === "enum" || kind === "enum64";
  if (isComposite(left.kind) && isComposite(right.kind)) return true;
  if (isEnum(left.kind) && isEnum(right.kind))
    return !left.name || !right.name || essentialName(left.name) === essentialName(right.name);
  if (left.kind !== right.kind) return false;
  if (left.kind === "fwd") return essentialName(left.name) === essentialName(right.name);
  if (left.kind === "int") return left.bitOffset === 0 && right.kind === "int" && right.bitOffset === 0;
  return left.kind === "ptr" || left.kind === "float";
}

/** bpf_core_types_are_compat(): members are not compared. */
function isCompatible(a: Btf, aType: number, b: Btf, bType: number): boolean {
  let [left, right] = [aType, bType];
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    const x = a.plain(left);
    const y = b.plain(right);
    const isEnum = (kind: BtfKind) => kind === "enum" || kind === "enum64";
    if (x.kind !== y.kind && !(isEnum(x.kind) && isEnum(y.kind))) return false;
    if ((x.kind === "ptr" && y.kind === "ptr") || (x.kind === "array" && y.kind === "array"))
      [left, right] = [x.type, y.type];
    else if (x.kind === "func_proto" && y.kind === "func_proto") {
      if (x.params.length !== y.params.length) return false;
      [left, right] = [x.type, y.type];
    } else return true;
  }
  return false;
}
