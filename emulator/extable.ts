import { RIP, type Stop } from "./engine.ts";
import type { Machine } from "./machine.ts";

/**
 * ex_handler_bpf: a load or store that the exception table lists goes on behind itself, a load with zero in its register.
 * Returns whether the fault was such a one.
 */
export function fixupFault(machine: Machine, stop: Stop): boolean {
  if (stop.kind !== "fault" || stop.access === "fetch") return false;
  const at = machine.functionAt(stop.pc);
  const entry = at?.func.image.extable.find((candidate) => candidate.offset === at.offset);
  if (!entry) return false;
  const { regs } = machine.engine;
  if (entry.clear !== undefined) regs[entry.clear] = 0n;
  regs[RIP] = stop.pc + BigInt(entry.length);
  return true;
}
