import type { SkBuff } from "../../emulator/context/skb.ts";
import { interrupt, resume, type Suspended, suspend } from "../../emulator/contexts.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import { type PokeStep, updateProgArray } from "../../emulator/poke.ts";
import type { Task } from "../../emulator/task.ts";
import type { Happening } from "../scenario/scenario.ts";
import type { World } from "./build.ts";
import { buildContext } from "./context.ts";
import { type Outcome, ProgramRun } from "./session.ts";

/** A program that is entered in the middle of another one's run. */
export class Intruder {
  readonly #world: World;
  readonly #kind: "interrupt" | "switch";
  readonly #entry: bigint;
  readonly #context: bigint;
  readonly #skb: SkBuff | undefined;
  readonly #limit: number;
  /** the task that runs it, when it isn't the interrupted one */
  readonly #task: Task | undefined;

  /** `tailCallLimit`: the first tail call past it ends its run. */
  constructor(world: World, { kind, program }: Extract<Happening, { program: string }>, tailCallLimit: number) {
    const { kernel } = world;
    const { machine } = kernel;
    const { entry, type } = world.programs.get(program)!;
    const { skb } = kernel;
    this.#world = world;
    this.#kind = kind;
    this.#entry = entry;
    this.#limit = tailCallLimit;
    this.#context = buildContext(kernel, type, undefined);
    this.#skb = kernel.skb;
    kernel.skb = skb;
    if (kind === "switch") this.#task = machine.tasks[1] ?? machine.addTask();
  }

  /** Enter it: what ran is suspended while `during` lasts. */
  enter<T>(during: () => T): T {
    const { kernel } = this.#world;
    const { machine } = kernel;
    const { skb } = kernel;
    const thread = suspend(machine);
    kernel.skb = this.#skb;
    machine.tailCallLimit = this.#limit;
    machine.engine.icount = 0;
    const state = { entry: this.#entry, context: this.#context, second: 0n };
    if (this.#kind === "interrupt") interrupt(machine, state);
    else {
      machine.schedule(machine.cpu, this.#task!);
      machine.prepare(state);
    }
    try {
      return during();
    } finally {
      kernel.skb = skb;
      resume(machine, thread);
    }
  }

  /** Go on with a run of it that was suspended; what ran is suspended meanwhile. */
  goOn<T>(inner: Suspended, during: () => T): T {
    const { kernel } = this.#world;
    const { skb } = kernel;
    const thread = suspend(kernel.machine);
    kernel.skb = this.#skb;
    resume(kernel.machine, inner);
    try {
      return during();
    } finally {
      kernel.skb = skb;
      resume(kernel.machine, thread);
    }
  }

  /** Run it with every contract on. */
  run(budget: number): Outcome {
    return this.enter(() => {
      const run = new ProgramRun(this.#world.session, budget);
      run.go();
      return run.end();
    });
  }
}

/** The steps of setting slots of prog arrays, as another CPU sees them. */
export function* pokeSteps(world: World, { entries }: Extract<Happening, { kind: "poke" }>): Generator<PokeStep> {
  const { kernel } = world;
  for (const { map: name, key, value } of entries) {
    const map = kernel.maps.get(name);
    const next = value.kind === "program" ? kernel.programs.find((program) => program.name === value.name) : undefined;
    if (map instanceof ProgArrayMap) yield* updateProgArray(kernel.machine, map, Number(key), next);
  }
}
