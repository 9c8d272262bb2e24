import type { TailCallCounting } from "../../bpf/interpreter/settings.ts";
import type { X86Profile } from "../../jit/profile.ts";

/** How the tail-call design of a profile counts, where it keeps its promises or breaks them as it is known to. */
export function countingOf({ design }: X86Profile): TailCallCounting {
  if (design === "tcc-ptr") return { per: "entry", countsEmpty: false };
  return { per: design.startsWith("rax-value") ? "value" : "entry", countsEmpty: true };
}
