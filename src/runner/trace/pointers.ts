import type { Kernel } from "../../../emulator/kernel.ts";
import { DIRECT_MAP_BASE, DIRECT_MAP_SIZE, JIT_BASE, STACK_BASE } from "../../../emulator/layout.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { ArrayMap } from "../../../emulator/maps/array.ts";
import { indexOf, type KernelMap } from "../../../emulator/maps/map.ts";
import type { Frames } from "./frames.ts";

/** Bytes behind the context's address that are named after it. */
const CONTEXT_SIZE = 256n;
/** Elements of a map that are looked through for an address. */
const MOST_ELEMENTS = 64;

/** Says what addresses mean: functions, kernel symbols, maps and their values, the context, slots of the stack. */
export class Pointers {
  readonly #kernel: Kernel;
  readonly #machine: Machine;
  context: bigint | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#machine = kernel.machine;
  }

  /** "counter[0]", "jmp_table", "ctx+0x50", a slot of the stack; undefined: it is data of nobody that we know. */
  placeOf(address: bigint, frames: Frames): string | undefined {
    if (address < STACK_BASE) return address < DIRECT_MAP_BASE + DIRECT_MAP_SIZE ? this.#object(address) : undefined;
    return this.#machine.tasks.some(({ stackLow, stackHigh }) => address >= stackLow && address < stackHigh + 8n)
      ? frames.slotAt(address)
      : undefined;
  }

  /** What a value means, if it is a pointer: placeOf(), or code. */
  meaning(value: bigint, frames: Frames): string | undefined {
    if (value < DIRECT_MAP_BASE) return undefined;
    const place = this.placeOf(value, frames);
    if (place !== undefined) return `&${place}`;
    if (value >= JIT_BASE) {
      const at = this.#machine.functionAt(value);
      if (at) return at.offset ? `${at.func.image.name}+0x${at.offset.toString(16)}` : at.func.image.name;
    }
    return this.#machine.symbols.nameAt(value);
  }

  #object(address: bigint): string | undefined {
    const { context } = this;
    if (context !== undefined && address >= context && address < context + CONTEXT_SIZE)
      return address === context ? "ctx" : `ctx+0x${(address - context).toString(16)}`;
    for (const [name, map] of this.#kernel.maps) {
      if (map.address === address) return name;
      const element = this.#element(map, address);
      if (element !== undefined) return `${name}${element}`;
    }
    return undefined;
  }

  #element(map: KernelMap, address: bigint): string | undefined {
    const size = BigInt(map.def.valueSize);
    if (map instanceof ArrayMap) {
      const step = (size + 7n) & ~7n;
      const offset = address - map.values;
      if (offset < 0n || offset >= step * BigInt(map.def.maxEntries)) return undefined;
      return elementText(offset / step, offset % step);
    }
    for (const key of map.keys().slice(0, MOST_ELEMENTS)) {
      const value = map.lookup(key, this.#machine.cpu);
      if (value && address >= value && address < value + size)
        return elementText(BigInt(indexOf(key)), address - value);
    }
    return undefined;
  }
}

const elementText = (index: bigint, offset: bigint): string => `[${index}]${offset ? `+${offset}` : ""}`;
