import type { MachineLayout } from "../../emulator/layout.ts";
import { Machine } from "../../emulator/machine.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";

/** A machine on the native engine. Close it. */
export function newMachine(
  layout: MachineLayout,
  regions: { start: bigint; size: bigint; prot: number }[] = [],
): Machine {
  return new Machine({ engine: new NativeEngine(), layout, regions });
}
