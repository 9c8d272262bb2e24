import { JIT_BASE, JIT_SIZE } from "../../../emulator/layout.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { PERCPU_AREA_SIZE } from "../../../emulator/percpu.ts";
import { type Place, REGISTERS, type Visits } from "./visits.ts";

/** The first BPF instruction at which two runs of a program are not the same. */
export interface Difference {
  place: Place;
  /** BPF register that differs; undefined: the other run is at another instruction */
  register?: number;
  /** the register in the one run and the other */
  actual: bigint;
  expected: bigint;
}

/**
 * Runs of the same program in two kernels, side by side at the instructions that both have. `live`: bit r set, register r is read from
 * there on. Pointers to stack and code, which need not be at the same place, are taken to be equal.
 */
export function firstDifference(
  one: { visits: Visits; machine: Machine },
  other: { visits: Visits; machine: Machine },
  live: (place: Place) => number,
): Difference | undefined {
  const a = shared(one.visits, other.visits.keys);
  const b = shared(other.visits, one.visits.keys);
  for (let n = 0; n < Math.min(a.length, b.length); n++) {
    const place = one.visits.places[a[n]];
    if (place.key !== other.visits.places[b[n]].key) return { place, actual: 0n, expected: 0n };
    const registers = live(place);
    for (let r = 0; r < REGISTERS; r++) {
      if (!(registers & (1 << r))) continue;
      const actual = one.visits.registers[a[n] * REGISTERS + r];
      const expected = other.visits.registers[b[n] * REGISTERS + r];
      if (actual === expected || (moves(one.machine, actual) && moves(other.machine, expected))) continue;
      return { place, register: r, actual, expected };
    }
  }
  return undefined;
}

/** Indexes of the visits to places that the other has, too. */
const shared = ({ places }: Visits, keys: ReadonlySet<string>): number[] =>
  places.flatMap(({ key }, i) => (keys.has(key) ? i : []));

/** Whether a value is an address of what may lie elsewhere in another kernel: kernel and private stacks, compiled code. */
function moves({ tasks, percpu }: Machine, value: bigint): boolean {
  if (value >= JIT_BASE && value < JIT_BASE + JIT_SIZE) return true;
  if (tasks.some(({ stackLow, stackHigh }) => value >= stackLow && value <= stackHigh)) return true;
  return percpu.areas.some((area) => value >= area && value < area + PERCPU_AREA_SIZE);
}
