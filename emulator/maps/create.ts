import {
  MAP_TYPE_ARRAY,
  MAP_TYPE_HASH,
  MAP_TYPE_PERCPU_ARRAY,
  MAP_TYPE_PERCPU_HASH,
  MAP_TYPE_PROG_ARRAY,
  type MapDef,
} from "../../bpf/program.ts";
import type { Machine } from "../machine.ts";
import { ArrayMap } from "./array.ts";
import { HashMap } from "./hash.ts";
import type { KernelMap } from "./map.ts";
import { PercpuArrayMap } from "./percpu-array.ts";
import { ProgArrayMap } from "./prog-array.ts";

/** The model of that map type. Throws RangeError for a type that is not modelled. */
export function createMap(machine: Machine, def: MapDef, address?: bigint): KernelMap {
  switch (def.type) {
    case MAP_TYPE_ARRAY:
      return new ArrayMap(machine, def, address);
    case MAP_TYPE_PERCPU_ARRAY:
      return new PercpuArrayMap(machine, def, address);
    case MAP_TYPE_PROG_ARRAY:
      return new ProgArrayMap(machine, def, address);
    case MAP_TYPE_HASH:
      return new HashMap(machine, def, false, address);
    case MAP_TYPE_PERCPU_HASH:
      return new HashMap(machine, def, true, address);
  }
  throw new RangeError(`map type ${def.type} of ${def.name} is not modelled`);
}
