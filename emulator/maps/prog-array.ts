import type { MapDef } from "../../bpf/program.ts";
import { offsetOf } from "../../bpf/structs.ts";
import type { Machine } from "../machine.ts";
import { writeMapHeader } from "./header.ts";
import { EINVAL, indexOf, type KernelMap, keyOf } from "./map.ts";

/** A loaded program as prog arrays know it: address of its struct bpf_prog. */
export interface LoadedProgram {
  readonly name: string;
  readonly address: bigint;
  /** bpf_func */
  readonly entry: bigint;
}

/** BPF_MAP_TYPE_PROG_ARRAY: bpf_array.ptrs[] hold struct bpf_prog pointers. Direct tail calls are patched by poke.ts. */
export class ProgArrayMap implements KernelMap {
  readonly def: MapDef;
  readonly address: bigint;
  readonly #machine: Machine;
  readonly #ptrs: bigint;
  readonly programs: (LoadedProgram | undefined)[];

  constructor(machine: Machine, def: MapDef, address?: bigint) {
    this.#machine = machine;
    this.def = def;
    const header = offsetOf(machine.layout.structs, "bpf_array.ptrs");
    this.address = address ?? machine.heap.take(header + 8 * def.maxEntries, 256);
    this.#ptrs = this.address + BigInt(header);
    this.programs = new Array(def.maxEntries).fill(undefined);
    writeMapHeader(machine, this.address, def);
    machine.memory.fill(this.#ptrs, 8 * def.maxEntries);
  }

  /** Store the pointer; returns what was there. */
  exchange(index: number, program: LoadedProgram | undefined): LoadedProgram | undefined {
    const old = this.programs[index];
    this.programs[index] = program;
    this.#machine.memory.store(this.#ptrs + BigInt(8 * index), 8, program?.address ?? 0n);
    return old;
  }

  programAt(index: number): LoadedProgram | undefined {
    return this.programs[index];
  }

  lookup(key: Uint8Array): bigint {
    const index = indexOf(key);
    return index < this.def.maxEntries ? this.#ptrs + BigInt(8 * index) : 0n;
  }

  update(): bigint {
    return -EINVAL;
  }

  remove(): bigint {
    return -EINVAL;
  }

  keys(): Uint8Array[] {
    return this.programs.map((_, index) => keyOf(index));
  }

  save(): () => void {
    const programs = [...this.programs];
    return () => {
      this.programs.splice(0, programs.length, ...programs);
    };
  }

  read(): Uint8Array | undefined {
    return undefined;
  }
}
