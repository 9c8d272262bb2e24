import type { Machine } from "../../../emulator/machine.ts";
import { cfaAt } from "../../runner/unwind.ts";
import type { Watchpoint } from "../timeline/search.ts";

/**
 * gdb goes back to before a call by a breakpoint where the function begins that returned from it. A tail call does not pass there:
 * gdb would miss the call, and run to who knows where. Where such a breakpoint is set for the function at `pc`, gives the slot of
 * its return address: the call that wrote it is what gdb is after.
 */
export function returnSlotOf(machine: Machine, pc: bigint, breakpoints: ReadonlySet<bigint>): Watchpoint | undefined {
  const at = machine.functionAt(pc);
  if (!at || (!breakpoints.has(at.func.entry) && !breakpoints.has(at.func.image.address))) return undefined;
  return { address: cfaAt(machine, at) - 8n, size: 8, reads: false, writes: true };
}
