import { assemble } from "../../bpf/asm/assemble.ts";
import {
  MAP_TYPE_ARRAY,
  MAP_TYPE_HASH,
  MAP_TYPE_PERCPU_ARRAY,
  MAP_TYPE_PERCPU_HASH,
  MAP_TYPE_PROG_ARRAY,
  type MapDef,
  PROG_TYPE_SCHED_CLS,
} from "../../bpf/program.ts";
import { kernels, verify } from "../../bpf/verifier/index.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { ArrayMap } from "../../emulator/maps/array.ts";
import type { LoadedProgram } from "../../emulator/maps/prog-array.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { compileProgram } from "../../jit/program.ts";
import type { KernelName } from "./guest.ts";

const TYPES = {
  array: MAP_TYPE_ARRAY,
  hash: MAP_TYPE_HASH,
  percpu_array: MAP_TYPE_PERCPU_ARRAY,
  percpu_hash: MAP_TYPE_PERCPU_HASH,
  prog_array: MAP_TYPE_PROG_ARRAY,
};

/** A map of u32 keys and u64 values unless it says otherwise. */
export const mapDef = (name: string, type: keyof typeof TYPES, more: Partial<MapDef> = {}): MapDef => ({
  name,
  type: TYPES[type],
  keySize: 4,
  valueSize: type === "prog_array" ? 4 : 8,
  maxEntries: 4,
  ...more,
});

export interface LoadedBpf extends LoadedProgram {
  functions: PlacedFunction[];
}

/** Assembles, verifies and compiles a program as that kernel does, and puts it there. */
export function loadBpf(
  kernel: Kernel,
  name: KernelName | `${KernelName}+${string}`,
  text: string,
  { type = PROG_TYPE_SCHED_CLS, entry = "main" } = {},
): LoadedBpf {
  const maps = [...kernel.maps.values()].map(({ def }) => def);
  const { machine } = kernel;
  const { insns, functions, relocs } = assemble(text, { maps: maps.map((map) => map.name), entry });
  const program = { name: entry, type, insns, relocs, functions };
  const xlated = verify(program, maps, kernels[name.split("+")[0]], []);
  const images = compileProgram(entry, xlated, profileNamed(name)!, {
    symbol: (symbol) => machine.symbol(symbol),
    map: (map) => kernel.maps.get(map)!.address,
    mapValue: (map) => (kernel.maps.get(map) as ArrayMap).values,
    place: (_, bytes) => machine.allocateCode(bytes),
    privateStack: (_, bytes) => machine.percpu.allocate(bytes),
  });
  const placed = images.map((image) => machine.place(image));
  return { ...kernel.addProgram(entry, placed[0].entry), functions: placed };
}
