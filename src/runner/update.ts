import type { Kernel } from "../../emulator/kernel.ts";
import { BPF_ANY, keyOf } from "../../emulator/maps/map.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import { setProgArray } from "../../emulator/poke.ts";
import type { MapEntry } from "../scenario/scenario.ts";

/** Store an element from user space; a prog array's slot goes through the poke protocol. */
export function updateMap(kernel: Kernel, name: string, { key, value }: MapEntry): void {
  const map = kernel.maps.get(name)!;
  const { machine } = kernel;
  if (value.kind === "program" && map instanceof ProgArrayMap)
    setProgArray(
      machine,
      map,
      Number(key),
      kernel.programs.find((program) => program.name === value.name),
    );
  else if (value.kind === "bytes") map.update(keyOf(key, map.def.keySize), value.bytes, BPF_ANY, machine.cpu);
  else if (value.kind === "perCpu")
    value.values.forEach((bytes, cpu) => {
      if (cpu < machine.percpu.offsets.length) map.update(keyOf(key, map.def.keySize), bytes, BPF_ANY, cpu);
    });
}

/** Delete an element from user space. */
export function deleteElement(kernel: Kernel, name: string, key: bigint): void {
  const map = kernel.maps.get(name)!;
  if (map instanceof ProgArrayMap) setProgArray(kernel.machine, map, Number(key), undefined);
  else map.remove(keyOf(key, map.def.keySize));
}
