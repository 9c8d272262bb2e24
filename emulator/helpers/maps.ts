import type { HostCall } from "../host.ts";
import type { Kernel } from "../kernel.ts";
import { HashMap } from "../maps/hash.ts";
import { EINVAL, type KernelMap } from "../maps/map.ts";
import { GuestFault } from "../memory.ts";

/** Map helpers, under their generic names and those of the map types' own operations. */
export function installMapHelpers(kernel: Kernel): void {
  const { machine } = kernel;
  const mapOf = (address: bigint): KernelMap => {
    const map = kernel.mapAt(address);
    if (!map) throw new GuestFault(`0x${address.toString(16)} is no map`);
    return map;
  };
  const keyAt = (map: KernelMap, address: bigint): Uint8Array => machine.memory.read(address, map.def.keySize);

  const lookup = ({ args }: HostCall): bigint => {
    const map = mapOf(args[0]);
    return map.lookup(keyAt(map, args[1]), machine.cpu);
  };
  const update = ({ args }: HostCall): bigint => {
    const map = mapOf(args[0]);
    return map.update(keyAt(map, args[1]), machine.memory.read(args[2], map.def.valueSize), args[3], machine.cpu);
  };
  const remove = ({ args }: HostCall): bigint => {
    const map = mapOf(args[0]);
    return map.remove(keyAt(map, args[1]));
  };
  const element = ({ args }: HostCall): bigint => {
    const map = mapOf(args[0]);
    return map instanceof HashMap ? map.element(keyAt(map, args[1])) : -EINVAL;
  };

  machine.host.provide("__htab_map_lookup_elem", element);
  const direct = (operation: (call: HostCall) => bigint) => (call: HostCall) => {
    const result = operation(call);
    return kernel.behaviour.mapOpsReturnInt ? BigInt.asUintN(32, result) : result;
  };
  for (const type of ["bpf", "array", "percpu_array", "htab", "htab_percpu"]) {
    const returns = type === "bpf" ? (operation: (call: HostCall) => bigint) => operation : direct;
    machine.host.provide(`${type}_map_lookup_elem`, lookup);
    machine.host.provide(`${type}_map_update_elem`, returns(update));
    machine.host.provide(`${type}_map_delete_elem`, returns(remove));
  }
}
