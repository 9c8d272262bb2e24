import type { Image } from "../../bpf/image.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { ArrayMap } from "../../emulator/maps/array.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { compileProgram, type ProgramEnvironment, type ProgramOptions } from "../../jit/program.ts";

/** What is placed instead of the image of a program's function `index`; undefined: the image. It is as long, at the same address. */
export type Rework = (image: Image, xlated: Xlated, index: number) => Image | undefined;

/** Compile a program that the verifier has seen and load it into a kernel. Throws JitError. */
export function loadProgram(
  kernel: Kernel,
  name: string,
  xlated: Xlated,
  profile: X86Profile,
  options: ProgramOptions = {},
  rework?: Rework,
): PlacedFunction[] {
  const { machine } = kernel;
  const environment: ProgramEnvironment = {
    symbol: (symbol) => machine.symbol(symbol),
    map: (map) => kernel.maps.get(map)!.address,
    mapValue: (map) => (kernel.maps.get(map) as ArrayMap).values,
    place: (_, bytes) => machine.allocateCode(bytes),
    privateStack: (_, bytes) => machine.percpu.allocate(bytes),
    ...(profile.harden ? { random: () => Number(BigInt.asIntN(32, kernel.random())) } : {}),
  };
  const images = compileProgram(name, xlated, profile, environment, options);
  const placed = images.map((image, index) => machine.place(rework?.(image, xlated, index) ?? image));
  kernel.addProgram(name, placed[0].entry);
  const callback = xlated.functions.findIndex((fn) => fn.exceptionCallback);
  if (callback > 0) kernel.exceptionCallbacks.set(placed[0].entry, placed[callback].entry);
  return placed;
}
