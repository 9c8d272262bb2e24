import { Allocator } from "./allocator.ts";
import type { PercpuLayout } from "./layout.ts";
import type { GuestMemory } from "./memory.ts";

/** Bytes of each CPU's area: static variables first, then what is allocated. */
const STATIC_SIZE = 0x40000n;
const DYNAMIC_SIZE = 0x40000n;
export const PERCPU_AREA_SIZE = STATIC_SIZE + DYNAMIC_SIZE;

/**
 * Per-CPU areas. A per-CPU pointer plus a CPU's offset (which is that CPU's gs base, and stored in its this_cpu_off) is an
 * address, modulo 2^64.
 */
export class PercpuAreas {
  readonly offsets: readonly bigint[];
  /** address of each CPU's area, PERCPU_AREA_SIZE bytes */
  readonly areas: readonly bigint[];
  readonly #layout: PercpuLayout;
  readonly #memory: GuestMemory;
  readonly #dynamic: Allocator;

  /** `areas`: address of each CPU's area, PERCPU_AREA_SIZE bytes, mapped. */
  constructor(layout: PercpuLayout, memory: GuestMemory, areas: readonly bigint[]) {
    this.#layout = layout;
    this.areas = areas;
    this.#memory = memory;
    this.offsets = areas.map((area) => BigInt.asUintN(64, area - layout.start));
    this.#dynamic = new Allocator("the per-CPU area", layout.start + STATIC_SIZE, DYNAMIC_SIZE);
    areas.forEach((_, cpu) => {
      this.set(cpu, "this_cpu_off", 8, this.offsets[cpu]);
      this.set(cpu, "cpu_number", 4, BigInt(cpu));
    });
  }

  /** A per-CPU pointer to `size` zeroed bytes on every CPU. */
  allocate(size: number, align = 8): bigint {
    return BigInt.asUintN(64, this.#dynamic.take(size, align));
  }

  /** Address of a per-CPU pointer on a CPU. */
  address(pointer: bigint, cpu: number): bigint {
    return BigInt.asUintN(64, pointer + this.offsets[cpu]);
  }

  /** Store into a CPU's variable; nothing when this kernel doesn't have it. */
  set(cpu: number, symbol: string, size: 4 | 8, value: bigint): void {
    const pointer = this.#layout.symbols[symbol];
    if (pointer !== undefined) this.#memory.store(this.address(pointer, cpu), size, value);
  }
}
