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

/** BPF_MAP_TYPE_ARRAY (kernel/bpf/arraymap.c): values one after the other behind struct bpf_array, 8-byte aligned. */
export class ArrayMap implements KernelMap {
  readonly def: MapDef;
  readonly address: bigint;
  /** address of element 0 */
  readonly values: bigint;
  readonly #elemSize: number;
  readonly #machine: Machine;

  /** `address`: where a capture has it; without, memory is allocated. */
  constructor(machine: Machine, def: MapDef, address?: bigint) {
    this.#machine = machine;
    this.def = def;
    this.#elemSize = roundUp8(def.valueSize);
    const header = offsetOf(machine.layout.structs, "bpf_array.value");
    const size = header + this.#elemSize * def.maxEntries;
    this.address = address ?? machine.heap.take(size, 256);
    this.values = this.address + BigInt(header);
    writeMapHeader(machine, this.address, def);
    const { memory, layout } = machine;
    memory.store(this.address + BigInt(offsetOf(layout.structs, "bpf_array.elem_size")), 4, BigInt(this.#elemSize));
    memory.store(this.address + BigInt(offsetOf(layout.structs, "bpf_array.index_mask")), 4, BigInt(this.#indexMask()));
    memory.fill(this.values, this.#elemSize * def.maxEntries);
  }

  #indexMask(): number {
    return 2 ** Math.ceil(Math.log2(this.def.maxEntries)) - 1;
  }

  element(index: number): bigint {
    return this.values + BigInt(index * this.#elemSize);
  }

  lookup(key: Uint8Array): bigint {
    const index = indexOf(key);
    return index < this.def.maxEntries ? this.element(index) : 0n;
  }

  update(key: Uint8Array, value: Uint8Array, flags: bigint): bigint {
    const index = indexOf(key);
    if (badFlags(flags)) return -EINVAL;
    if (index >= this.def.maxEntries) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    if (flags & BPF_F_LOCK) return -EINVAL; // there is no lock in the value
    this.#machine.memory.write(this.element(index), value);
    return 0n;
  }

  remove(): bigint {
    return -EINVAL;
  }

  keys(): Uint8Array[] {
    return Array.from({ length: this.def.maxEntries }, (_, index) => keyOf(index));
  }

  read(key: Uint8Array): Uint8Array | undefined {
    const addr = this.lookup(key);
    return addr ? this.#machine.memory.read(addr, this.def.valueSize) : undefined;
  }
}
