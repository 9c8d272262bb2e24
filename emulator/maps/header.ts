import type { MapDef } from "../../bpf/program.ts";
import { offsetOf } from "../../bpf/structs.ts";
import type { Machine } from "../machine.ts";

/** Fill in the members of struct bpf_map that code may read. */
export function writeMapHeader(machine: Machine, address: bigint, def: MapDef): void {
  const { memory, layout } = machine;
  const set = (member: string, value: number): void =>
    memory.store(address + BigInt(offsetOf(layout.structs, `bpf_map.${member}`)), 4, BigInt(value));
  set("map_type", def.type);
  set("key_size", def.keySize);
  set("value_size", def.valueSize);
  set("max_entries", def.maxEntries);
}
