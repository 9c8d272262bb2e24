import { type RunOptions, STEP_WORDS, type Stop } from "../../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import { X86_OF_BPF } from "../../../jit/x86/regs.ts";
import type { World } from "../build.ts";
import type { RunWatcher } from "../trace/run.ts";

/** R0 to R9 */
export const REGISTERS = 10;
/** Instructions of a run that are looked at. */
const MOST = 200_000;
/** Words of a step record: pc, icount, rflags, tag, then rax..r15. */
const STEP_REGS = 4;

/** A BPF instruction of the program as loaded, in the code that one world has of it. */
export interface Place {
  /** the same in all worlds */
  key: string;
  program: string;
  /** slot of the program as loaded */
  origin: number;
  /** address of its machine code */
  pc: bigint;
}

/** Notes the BPF registers each time that a BPF instruction of the program as loaded is about to run. */
export class Visits implements RunWatcher {
  readonly keys: ReadonlySet<string>;
  readonly places: Place[] = [];
  /** REGISTERS words a visit */
  registers = new BigUint64Array(1024 * REGISTERS);
  readonly #world: World;
  readonly #byPc = new Map<bigint, Place[]>();
  #left = MOST;

  constructor(world: World) {
    this.#world = world;
    const all = placesOf(world);
    this.keys = new Set(all.map(({ key }) => key));
    for (const place of all) {
      const there = this.#byPc.get(place.pc);
      if (there) there.push(place);
      else this.#byPc.set(place.pc, [place]);
    }
  }

  resume(budget: number): Stop {
    const { engine } = this.#world.session.machine;
    const before = engine.icount;
    const options: RunOptions = { until: RETURN_TO_KERNEL, budget: Math.min(budget, this.#left), trace: this };
    const stop = engine.run(options);
    this.#left -= engine.icount - before;
    return stop;
  }

  steps(records: BigUint64Array, count: number): void {
    for (let at = 0; at < count * STEP_WORDS; at += STEP_WORDS)
      for (const place of this.#byPc.get(records[at]) ?? []) this.#note(place, records, at + STEP_REGS);
  }

  accesses(): void {}

  #note(place: Place, records: BigUint64Array, regs: number): void {
    const to = this.places.push(place) * REGISTERS - REGISTERS;
    if (to === this.registers.length) {
      const larger = new BigUint64Array(2 * to);
      larger.set(this.registers);
      this.registers = larger;
    }
    for (let r = 0; r < REGISTERS; r++) this.registers[to + r] = records[regs + X86_OF_BPF[r]];
  }
}

/** Where the code of each BPF instruction as loaded begins; of what was rewritten, that of the first instruction in its place. */
function placesOf({ programs }: World): Place[] {
  return [...programs].flatMap(([program, { xlated, functions }]) =>
    xlated.functions.flatMap((fn, f) => {
      const { address, ends } = functions[f].image;
      const places: Place[] = [];
      for (let slot = 0; slot < fn.insns; slot++) {
        const origin = xlated.origin[fn.start + slot];
        if (origin === places.at(-1)?.origin) continue;
        places.push({ key: `${program} ${origin}`, program, origin, pc: address + BigInt(ends[slot]) });
      }
      return places;
    }),
  );
}
