import type { TailCallDesign } from "../design.ts";
import { raxValue } from "./rax-value.ts";
import { tccPtr } from "./tcc-ptr.ts";

/** Every design, in the order in which they were thought of. */
export const DESIGNS: readonly TailCallDesign[] = [raxValue, tccPtr];

/** The design of that name. Throws RangeError when there is none. */
export function designNamed(name: string): TailCallDesign {
  const design = DESIGNS.find((candidate) => candidate.name === name);
  if (!design)
    throw new RangeError(`no tail-call design "${name}"; there are ${DESIGNS.map((d) => d.name).join(", ")}`);
  return design;
}
