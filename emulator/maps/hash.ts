import type { MapDef } from "../../bpf/program.ts";
import { offsetOf } from "../../bpf/structs.ts";
import { OutOfSpace } from "../allocator.ts";
import type { Machine } from "../machine.ts";
import { writeMapHeader } from "./header.ts";
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM, type KernelMap, roundUp8 } from "./map.ts";
import { readAllCpus } from "./percpu-array.ts";

/** A struct htab_elem: its address and, in a per-CPU map, the per-CPU pointer to its value. */
interface Element {
  elem: bigint;
  pointer: bigint;
}

/**
 * BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_PERCPU_HASH (kernel/bpf/hashtab.c): elements are struct htab_elem, the key at its
 * `key` member, behind it, 8-byte aligned, the value or a per-CPU pointer to it. Buckets are not in guest memory: no JITed
 * code walks them.
 */
export class HashMap implements KernelMap {
  readonly def: MapDef;
  readonly address: bigint;
  readonly percpu: boolean;
  readonly #machine: Machine;
  /** key bytes as text -> address of struct htab_elem */
  readonly #elements = new Map<string, Element & { key: Uint8Array }>();
  readonly #free: Element[] = [];
  /** extra_elems: by CPU, the element that the next update of a key that exists is written to */
  readonly #extra = new Map<number, Element>();
  readonly #keyOffset: bigint;

  constructor(machine: Machine, def: MapDef, percpu: boolean, address?: bigint) {
    this.#machine = machine;
    this.def = def;
    this.percpu = percpu;
    this.#keyOffset = BigInt(offsetOf(machine.layout.structs, "htab_elem.key"));
    this.address = address ?? machine.heap.take(machine.layout.structs.bpf_htab?.size ?? 1024, 256);
    writeMapHeader(machine, this.address, def);
  }

  /** Address of the element with that key (__htab_map_lookup_elem), 0 when there is none. */
  element(key: Uint8Array): bigint {
    return this.#elements.get(text(key))?.elem ?? 0n;
  }

  #valueAt(elem: bigint): bigint {
    return elem + this.#keyOffset + BigInt(roundUp8(this.def.keySize));
  }

  lookup(key: Uint8Array, cpu: number): bigint {
    const found = this.#elements.get(text(key));
    if (!found) return 0n;
    return this.percpu ? this.#machine.percpu.address(found.pointer, cpu) : this.#valueAt(found.elem);
  }

  update(key: Uint8Array, value: Uint8Array, flags: bigint, cpu: number): bigint {
    const name = text(key);
    let found = this.#elements.get(name);
    if (flags > BPF_EXIST) return -EINVAL; // BPF_F_LOCK, too: there is no lock in the value
    if (found && flags === BPF_NOEXIST) return -EEXIST;
    if (!found && flags === BPF_EXIST) return -ENOENT;
    if (!found && this.#elements.size >= this.def.maxEntries) return -E2BIG;
    if (!found || !this.percpu) {
      const element = this.#take(found, cpu);
      if (!element) return -ENOMEM;
      found = { key: key.slice(), ...element };
      this.#machine.memory.write(found.elem + this.#keyOffset, key);
      this.#elements.set(name, found);
    }
    this.#machine.memory.write(this.lookup(key, cpu), value);
    return 0n;
  }

  /**
   * The element for a new value (alloc_htab_elem): a free one, or in place of `old` the CPU's extra one, so that whoever still
   * points to the old value goes on seeing it. Undefined: no memory.
   */
  #take(old: Element | undefined, cpu: number): Element | undefined {
    try {
      const element = (old && this.#extra.get(cpu)) ?? this.#newElement();
      if (old) this.#extra.set(cpu, old);
      return element;
    } catch (error) {
      if (error instanceof OutOfSpace) return undefined;
      throw error;
    }
  }

  #newElement(): Element {
    const { memory, heap, percpu } = this.#machine;
    const reused = this.#free.pop();
    const valueSize = this.percpu ? 8 : roundUp8(this.def.valueSize);
    const elem = reused?.elem ?? heap.take(this.#keyOffset + BigInt(roundUp8(this.def.keySize) + valueSize), 8);
    const pointer = reused?.pointer ?? (this.percpu ? percpu.allocate(roundUp8(this.def.valueSize)) : 0n);
    if (this.percpu) {
      memory.store(this.#valueAt(elem), 8, pointer);
      for (let cpu = 0; cpu < percpu.offsets.length; cpu++)
        memory.fill(percpu.address(pointer, cpu), roundUp8(this.def.valueSize));
    }
    return { elem, pointer };
  }

  remove(key: Uint8Array): bigint {
    const name = text(key);
    const found = this.#elements.get(name);
    if (!found) return -ENOENT;
    this.#elements.delete(name);
    this.#free.push(found);
    return 0n;
  }

  keys(): Uint8Array[] {
    return [...this.#elements.values()].map((element) => element.key);
  }

  save(): () => void {
    const elements = [...this.#elements];
    const free = [...this.#free];
    const extra = [...this.#extra];
    return () => {
      this.#elements.clear();
      for (const [key, element] of elements) this.#elements.set(key, element);
      this.#free.splice(0, this.#free.length, ...free);
      this.#extra.clear();
      for (const [cpu, element] of extra) this.#extra.set(cpu, element);
    };
  }

  /** Address of the key inside the element, as a callback gets it. */
  keyAddress(key: Uint8Array): bigint {
    return this.element(key) + this.#keyOffset;
  }

  read(key: Uint8Array): Uint8Array | undefined {
    const found = this.#elements.get(text(key));
    if (!found) return undefined;
    if (this.percpu) return readAllCpus(this.#machine, found.pointer, this.def.valueSize);
    return this.#machine.memory.read(this.#valueAt(found.elem), this.def.valueSize);
  }
}

const text = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
