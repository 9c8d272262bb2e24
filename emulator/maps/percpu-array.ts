import type { MapDef } from "../../bpf/program.ts";
import { offsetOf } from "../../bpf/structs.ts";
import type { Machine } from "../machine.ts";
import { writeMapHeader } from "./header.ts";
import {
  BPF_F_LOCK,
  BPF_NOEXIST,
  badFlags,
  E2BIG,
  EEXIST,
  EINVAL,
  indexOf,
  type KernelMap,
  keyOf,
  roundUp8,
} from "./map.ts";

/** BPF_MAP_TYPE_PERCPU_ARRAY: bpf_array.pptrs[] hold per-CPU pointers to the elements. */
export class PercpuArrayMap implements KernelMap {
  readonly def: MapDef;
  readonly address: bigint;
  readonly #pointers: bigint[] = [];
  readonly #machine: Machine;

  constructor(machine: Machine, def: MapDef, address?: bigint) {
    this.#machine = machine;
    this.def = def;
    const header = offsetOf(machine.layout.structs, "bpf_array.pptrs");
    this.address = address ?? machine.heap.take(header + 8 * def.maxEntries, 256);
    writeMapHeader(machine, this.address, def);
    const { memory, layout } = machine;
    const mask = BigInt(2 ** Math.ceil(Math.log2(def.maxEntries)) - 1);
    memory.store(this.address + BigInt(offsetOf(layout.structs, "bpf_array.index_mask")), 4, mask);
    for (let i = 0; i < def.maxEntries; i++) {
      const pointer = machine.percpu.allocate(roundUp8(def.valueSize));
      this.#pointers.push(pointer);
      memory.store(this.address + BigInt(header + 8 * i), 8, pointer);
    }
  }

  lookup(key: Uint8Array, cpu: number): bigint {
    const pointer = this.#pointers[indexOf(key)];
    return pointer === undefined ? 0n : this.#machine.percpu.address(pointer, cpu);
  }

  update(key: Uint8Array, value: Uint8Array, flags: bigint, cpu: number): bigint {
    const addr = this.lookup(key, cpu);
    if (badFlags(flags)) return -EINVAL;
    if (!addr) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    if (flags & BPF_F_LOCK) return -EINVAL; // there is no lock in the value
    this.#machine.memory.write(addr, value);
    return 0n;
  }

  remove(): bigint {
    return -EINVAL;
  }

  keys(): Uint8Array[] {
    return this.#pointers.map((_, index) => keyOf(index));
  }

  read(key: Uint8Array): Uint8Array | undefined {
    const pointer = this.#pointers[indexOf(key)];
    return pointer === undefined ? undefined : readAllCpus(this.#machine, pointer, this.def.valueSize);
  }
}

/** The values of all CPUs one after the other, each rounded up to 8 bytes but the last. */
export function readAllCpus(machine: Machine, pointer: bigint, valueSize: number): Uint8Array {
  const cpus = machine.percpu.offsets.length;
  const out = new Uint8Array(roundUp8(valueSize) * (cpus - 1) + valueSize);
  for (let cpu = 0; cpu < cpus; cpu++)
    out.set(machine.memory.read(machine.percpu.address(pointer, cpu), valueSize), roundUp8(valueSize) * cpu);
  return out;
}
