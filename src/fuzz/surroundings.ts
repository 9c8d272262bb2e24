import { PROG_TYPE_RAW_TRACEPOINT } from "../../bpf/program.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { ArrayMap } from "../../emulator/maps/array.ts";
import { BPF_ANY, keyOf } from "../../emulator/maps/map.ts";
import { type LoadedProgram, ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import { setProgArray } from "../../emulator/poke.ts";
import { buildContext } from "../runner/context.ts";
import type { Context } from "../scenario/scenario.ts";
import { CELLS, PERCPU } from "./helper-writer.ts";
import { DATA } from "./memory-writer.ts";
import { MAPS, tableName, type WrittenProgram, type WrittenStep } from "./write.ts";

const ZERO = new Uint8Array(8);

/** Words of a raw tracepoint's context. */
export const ARGUMENTS = Array.from({ length: 12 }, (_, k) =>
  BigInt.asUintN(64, 0x1111_1111_1111_1111n * BigInt(k + 1)),
);

/** Maps and contexts in a kernel, the same for every program that is tried in it. */
export class KernelSurroundings {
  readonly kernel: Kernel;
  readonly #contexts = new Map<number, bigint>();
  readonly #restore: () => void;
  /** maps that the last program may have changed */
  #dirty: ReadonlySet<string> = new Set();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    for (const def of MAPS) kernel.addMap(def);
    this.#restore = kernel.save();
  }

  /** Address of the context of a program of that type. */
  context(type: number): bigint {
    let address = this.#contexts.get(type);
    if (address === undefined) {
      const args: Context = { kind: "args", args: ARGUMENTS };
      address = buildContext(this.kernel, type, type === PROG_TYPE_RAW_TRACEPOINT ? args : undefined);
      this.#contexts.set(type, address);
    }
    return address;
  }

  /** Everything as it was at the start, but for the program's values. */
  reset({ values, maps }: WrittenProgram): void {
    this.#restore();
    for (const name of this.#dirty) this.#clear(name);
    this.#dirty = maps;
    if (maps.has(DATA)) this.#setValues(values);
  }

  #clear(name: string): void {
    const map = this.kernel.maps.get(name)!;
    for (let index = 0; index < map.def.maxEntries; index++)
      if (map instanceof ProgArrayMap) map.exchange(index, undefined);
      else if (name === CELLS || name === PERCPU) map.update(keyOf(index), ZERO, BPF_ANY, 0);
  }

  #table(table: number): ProgArrayMap {
    return this.kernel.maps.get(tableName(table)) as ProgArrayMap;
  }

  #setValues(values: readonly number[]): void {
    const data = this.kernel.maps.get(DATA) as ArrayMap;
    const words = BigInt64Array.from(values, BigInt);
    this.kernel.machine.memory.write(data.values, new Uint8Array(words.buffer));
  }

  setSlot(table: number, index: number, program: LoadedProgram | undefined): void {
    setProgArray(this.kernel.machine, this.#table(table), index, program);
  }

  /** A step that is no run. */
  apply(step: Exclude<WrittenStep, { kind: "run" }>, loaded: readonly LoadedProgram[]): void {
    if (step.kind === "values") this.#setValues(step.values);
    else this.setSlot(step.table, step.index, step.program === undefined ? undefined : loaded[step.program]);
  }
}
