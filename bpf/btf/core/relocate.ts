import type { Insn } from "../../insn.ts";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_B,
  BPF_DW,
  BPF_H,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_X,
  CALL,
  classOf,
  LD_IMM64,
} from "../../opcode.ts";
import { FormatError } from "../../reader.ts";
import type { Btf } from "../btf.ts";
import type { CoreRecord } from "../ext.ts";
import { CORE_KINDS, type CoreKind, essentialName } from "./kinds.ts";
import { candidates, matchSpec } from "./match.ts";
import { localSpec, type Spec } from "./spec.ts";
import { type CoreValue, coreValue } from "./value.ts";

/** libbpf's mark for an instruction that cannot be relocated: a call that no verifier lets pass, and that dead code may have. */
const POISON = 0xbad2310;
const SIZES: Record<number, number> = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW };
const SIZE_BITS = 0x18;

/**
 * Change the instruction at `slot` to what `target`, a kernel's types, says of the object's types `local`. Returns what could not be resolved,
 * in words, where the instruction is poisoned. Throws FormatError.
 */
export function relocateCore(
  insns: Insn[],
  slot: number,
  record: CoreRecord,
  local: Btf,
  target: Btf,
): string | undefined {
  const kind = CORE_KINDS[record.kind];
  if (!kind)
    throw new FormatError("section .BTF.ext", `unknown kind ${record.kind} of CO-RE relocation`, record.offset);
  const spec = localSpec(local, record, kind);
  const resolved = resolve(spec, target);
  const before = coreValue(spec, spec);
  if (resolved && patch(insns, slot, kind, resolved, before)) return undefined;
  poison(insns, slot);
  return `${describe(spec)} ${resolved ? "is of another size" : "is not in the kernel's types"}`;
}

/** The value that all types of the kernel agree about. */
function resolve(spec: Spec, target: Btf): CoreValue | undefined {
  if (spec.kind === "type_id_local") return coreValue(spec, spec);
  const found = candidates(spec, target).flatMap((root) => matchSpec(spec, target, root) ?? []);
  const values = found.map((one) => coreValue(spec, one));
  const [first] = values;
  if (values.some((other) => other?.value !== first?.value))
    throw new FormatError("kernel BTF", `${describe(spec)} is ambiguous: several types of that name differ`);
  return found.length ? first : coreValue(spec, undefined);
}

/** bpf_core_patch_insn(); false: a signed field, or one that no load takes at once, has another size. */
function patch(
  insns: Insn[],
  slot: number,
  kind: CoreKind,
  { value, size }: CoreValue,
  before: CoreValue | undefined,
): boolean {
  const insn = insns[slot];
  const small = Number(BigInt.asIntN(32, value));
  switch (classOf(insn.code)) {
    case BPF_ALU:
    case BPF_ALU64:
      if (insn.code & BPF_X) break;
      insn.imm = small;
      return true;
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX:
      if (value > 0x7fffn) break;
      insn.off = small;
      if (kind !== "field_byte_offset" || !before || size === before.size) return true;
      if (size === 0 || before.size === 0 || before.signed || SIZES[size] === undefined) return false;
      insn.code = (insn.code & ~SIZE_BITS) | SIZES[size];
      return true;
    default:
      if (insn.code !== LD_IMM64 || !insns[slot + 1]) break;
      insn.imm = small;
      insns[slot + 1].imm = Number(BigInt.asIntN(32, value >> 32n));
      return true;
  }
  throw new FormatError("section .BTF.ext", `a CO-RE relocation (${kind}) is for an instruction that cannot take it`);
}

function poison(insns: Insn[], slot: number): void {
  const call = { code: CALL, dst: 0, src: 0, off: 0, imm: POISON };
  if (insns[slot].code === LD_IMM64 && insns[slot + 1]) insns[slot + 1] = { ...call };
  insns[slot] = call;
}

/** "struct task_struct, pid" */
function describe({ btf, root, steps, enumerator }: Spec): string {
  const type = btf.type(root);
  const path = steps.slice(1).map(({ name, index }) => name ?? `[${index}]`);
  const inside = enumerator?.name ?? path.join(".").replaceAll(".[", "[");
  return [`${type.kind} ${essentialName(type.name) || "(nameless)"}`, inside].filter(Boolean).join(", ");
}
