import type { KernelFeatures } from "../../bpf/verifier/index.ts";
import type { MachineLayout } from "../../emulator/layout.ts";
import { Machine, type MachineOptions } from "../../emulator/machine.ts";
import { NativeEngine, type NativeOptions } from "../../emulator/native/engine.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { compileFunction } from "../../jit/x86/designs/c-functions.ts";
import { designNamed } from "../../jit/x86/designs/index.ts";

/** A machine on the native engine. Close it. */
export function newMachine(options: Omit<MachineOptions, "engine">, engine?: NativeOptions): Machine {
  return new Machine({ engine: new NativeEngine(engine), ...options });
}

/** A machine for what a profile compiles, with the C functions that its design calls; `place`: not at a kernel's addresses. Close it. */
export function machineFor(
  profile: X86Profile,
  { structs }: KernelFeatures,
  engine?: NativeOptions,
  place: Pick<MachineLayout, "bases" | "textBase"> = {},
): Machine {
  const { percpu, features, design, compilation = "hostile" } = profile;
  const machine = newMachine({ layout: { structs, percpu, ...place }, ibt: features.ibt }, engine);
  for (const fn of designNamed(design).functions ?? [])
    machine.provide(
      fn.name,
      compileFunction(fn, (symbol) => machine.symbol(symbol), compilation),
    );
  return machine;
}
