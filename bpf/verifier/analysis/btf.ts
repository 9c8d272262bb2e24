import type { BtfLayout } from "../structs.ts";
import { pointer, type Reg, type Trust } from "./reg.ts";
import { fail, type Run } from "./run.ts";
import { isConstant } from "./scalar/domain.ts";

/** Member of the struct that starts at `off`, pointers before others. */
function memberAt(layout: BtfLayout, off: number): string | undefined {
  const at = Object.keys(layout.members).filter((m) => layout.members[m] === off);
  return at.find((m) => layout.pointers?.[m]) ?? at[0];
}

/** What the kernel vouches for of a pointer that was read through another (check_ptr_to_btf_access). */
function trustOf(run: Run, ptr: Reg, layout: BtfLayout, member: string): Trust {
  if (!run.env.kernel.trustedPointers) return "none";
  if (ptr.trust === "untrusted") return "untrusted";
  if (ptr.trust === "none") return "none";
  if (layout.trusted?.includes(member)) return "trusted";
  return layout.rcu?.includes(member) ? "rcu" : "none";
}

/** A load through a pointer to a kernel struct; null: a scalar. */
export function walkBtf(run: Run, ptr: Reg, off: number, size: number): Reg | null {
  const name = ptr.struct;
  if (!isConstant(ptr.value)) fail(run, `R is ptr_${name} invalid variable offset`);
  const at = ptr.off + off + Number(BigInt.asIntN(64, ptr.value.varOff.value));
  if (at < 0) fail(run, `R is ptr_${name} invalid negative access: off=${at}`);
  const layout: BtfLayout | undefined = run.env.kernel.structs[name];
  if (!layout) return null;
  if (layout.size && at + size > layout.size) fail(run, `access beyond struct ${name} at off ${at} size ${size}`);
  const member = size === 8 ? memberAt(layout, at) : undefined;
  const struct = member && layout.pointers?.[member];
  if (!struct) return null;
  return pointer("btf", run.S.constant(0n), { struct, trust: trustOf(run, ptr, layout, member) });
}
