import { Machine, type MachineOptions } from "../../emulator/machine.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";

/** A machine on the native engine. Close it. */
export function newMachine(options: Omit<MachineOptions, "engine">): Machine {
  return new Machine({ engine: new NativeEngine(), ...options });
}
