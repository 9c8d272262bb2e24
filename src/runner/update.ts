import type { Kernel } from "../../emulator/kernel.ts";
import { BPF_ANY, E2BIG, keyOf } from "../../emulator/maps/map.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import { setProgArray } from "../../emulator/poke.ts";
import { UserError } from "../error.ts";
import type { MapEntry } from "../scenario/scenario.ts";
import { KernelLacks } from "./refusal.ts";

/**
 * Store an element from user space; a prog array's slot goes through the poke protocol. Throws UserError when the map refuses
 * it.
 */
export function updateMap(kernel: Kernel, name: string, { key, value, ...at }: MapEntry, file?: string): void {
  const map = kernel.maps.get(name)!;
  const { machine } = kernel;
  const refuse = (why: string): never => {
    throw new UserError(`${at.path}: ${why}`, { file, ...at });
  };
  const store = (bytes: Uint8Array, cpu: number): void => {
    const error = map.update(keyOf(key, map.def.keySize), bytes, BPF_ANY, cpu);
    if (error) refuse(error === -E2BIG ? `${name} is full` : "the machine's memory is full");
  };
  if (value.kind === "program" && kernel.extended.has(value.name) && !kernel.behaviour.extendsTailCallees)
    throw new KernelLacks(`does not put ${value.name}, which is extended, into a prog_array (EBUSY)`, { file, ...at });
  if (value.kind === "program" && map instanceof ProgArrayMap)
    setProgArray(
      machine,
      map,
      Number(key),
      kernel.programs.find((program) => program.name === value.name),
    );
  else if (value.kind === "bytes") store(value.bytes, machine.cpu);
  else if (value.kind === "perCpu") {
    const cpus = machine.percpu.offsets.length;
    if (value.values.length > cpus)
      refuse(`expected at most ${cpus} values, one per CPU, found ${value.values.length}`);
    value.values.forEach(store);
  }
}

/** Delete an element from user space. */
export function deleteElement(kernel: Kernel, name: string, key: bigint): void {
  const map = kernel.maps.get(name)!;
  if (map instanceof ProgArrayMap) setProgArray(kernel.machine, map, Number(key), undefined);
  else map.remove(keyOf(key, map.def.keySize));
}
