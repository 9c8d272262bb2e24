import type { X86Profile } from "../../profile.ts";
import type { TailCallDesign } from "../design.ts";
import { percpu } from "./percpu.ts";
import { raxValue, raxValue510, raxValue517 } from "./rax-value.ts";
import { runCtx } from "./run-ctx.ts";
import { stackSlot, stackSlotPoked } from "./stack-slot.ts";
import { stackSlot410 } from "./stack-slot-4.10.ts";
import { taskCall, taskClobber, taskInline, taskNaked } from "./task.ts";
import { tccPtr } from "./tcc-ptr.ts";
import { verifierPercpu } from "./verifier-percpu.ts";

/** Every design, in the order in which they were thought of. */
export const DESIGNS: readonly TailCallDesign[] = [
  stackSlot410,
  stackSlot,
  stackSlotPoked,
  raxValue510,
  raxValue517,
  raxValue,
  percpu,
  taskCall,
  taskClobber,
  taskNaked,
  taskInline,
  verifierPercpu,
  runCtx,
  tccPtr,
];

/** The design of that name. Throws RangeError when there is none. */
export function designNamed(name: string): TailCallDesign {
  const design = DESIGNS.find((candidate) => candidate.name === name);
  if (!design)
    throw new RangeError(`no tail-call design "${name}"; there are ${DESIGNS.map((d) => d.name).join(", ")}`);
  return design;
}

/** The profile's design, with what it has of its own. */
export const designOf = ({ design, deviation }: X86Profile): TailCallDesign =>
  deviation?.design ? { ...designNamed(design), ...deviation.design } : designNamed(design);
