import { type KernelMap, keyOf } from "../../emulator/maps/map.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import { REG_NAMES } from "../../jit/x86/regs.ts";
import { UserError } from "../error.ts";
import type { World } from "../runner/build.ts";
import { enterOptions } from "../runner/enter-options.ts";
import { guarded } from "../runner/guarded.ts";
import { findMoment } from "../runner/moment.ts";
import type { EnterOptions } from "../runner/session.ts";
import { drawStack } from "../runner/stack-picture.ts";
import { deleteElement, updateMap } from "../runner/update.ts";
import { parsePoint } from "../scenario/point.ts";
import type { Scenario, Step } from "../scenario/scenario.ts";
import { bytesInteger } from "../scenario/value.ts";
import { hint } from "../suggest.ts";
import { type Programs, sourceOf } from "./assemble.ts";
import { type Compiled, compiledOf } from "./compile.ts";
import type { Registers, Run } from "./run.ts";
import { type ContextSource, explain, type Source, type StepSource, scenarioOf, type Value } from "./source.ts";
import { newestProfile, worldOf } from "./world.ts";

export interface RunOptions {
  /** the program that is entered; the first by default */
  program?: string;
  /** what it is given: 64 bytes of packet by default */
  context?: ContextSource;
}

type RunStep = Extract<Step, { kind: "run" }>;

/**
 * A kernel of a profile with programs loaded, on an emulated CPU. All contracts are held against each run, which may take 10 million
 * instructions. Close it: its memory is not the garbage collector's.
 */
export class Machine {
  /** the profile's name */
  readonly profile: string;
  /** the code of its programs, as it was before any slot was set */
  readonly code: Compiled;
  readonly #source: Source;
  readonly #steps: StepSource[] = [];
  readonly #world: World;

  /** The newest kernel by default. Throws UserError where a program is refused. */
  constructor(programs: Programs, profile: string = newestProfile()) {
    this.profile = profile;
    this.#source = sourceOf(programs);
    this.#world = worldOf(scenarioOf(this.#source), profile);
    this.code = compiledOf(this.#world, profile);
  }

  /** Enter a program as the kernel does, and watch it until it returns or cannot go on. Throws UserError. */
  run({ program = Object.keys(this.#source.programs)[0], context }: RunOptions = {}): Run {
    const { scenario, step } = this.#take<RunStep>({ run: program, ...(context ? { context } : {}) });
    const { session } = this.#world;
    const options = enterOptions(this.#world, scenario, step);
    session.prepare(options);
    const before = registers(this.#world);
    const outcome = explain(scenario, () => guarded(this.#world, scenario.file, () => session.enter(options)));
    const { r0, tailCalls, instructions, maxStack, calls, findings } = outcome;
    return {
      name: `${program} on ${this.profile}`,
      ...{ r0, tailCalls, instructions, maxStack, calls, findings },
      before,
      after: registers(this.#world),
      stackAt: (moment) => stackAt(scenario, this.profile, moment),
      read: (map, key) => replayed(scenario, this.profile, true, (world) => readMap(world, map, key)),
    };
  }

  /** Store an element of a map, from user space. A program's name fills a slot of a prog_array by the kernel's poke protocol. */
  update(map: string, key: number | bigint | string, value: Value): void {
    const { scenario, step } = this.#take({ update: { [map]: { [String(key)]: value } } });
    apply(this.#world, scenario, step);
  }

  /** Delete an element of a map, or empty a slot of a prog_array, from user space. */
  delete(map: string, key: number | bigint | string): void {
    const { scenario, step } = this.#take({ delete: { [map]: [key] } });
    apply(this.#world, scenario, step);
  }

  /** A map's value now: see Run.read(). */
  read(map: string, key: number | bigint): bigint | string | undefined {
    return readMap(this.#world, map, key);
  }

  /** Free the machine. Its runs can still be asked. */
  close(): void {
    this.#world.session.machine.close();
  }

  /** Remember a step, so that it can be taken again, and read it as a scenario file's. Throws UserError. */
  #take<S extends Step>(source: StepSource): { scenario: Scenario; step: S } {
    const steps = [...this.#steps, source];
    const scenario = scenarioOf(this.#source, steps);
    this.#steps.push(source);
    return { scenario, step: scenario.steps[steps.length - 1] as S };
  }
}

/** Run programs once: a Machine for one run, closed again. Throws UserError where a program is refused. */
export function run(programs: Programs, profile?: string, options?: RunOptions): Run {
  const machine = new Machine(programs, profile);
  try {
    return machine.run(options);
  } finally {
    machine.close();
  }
}

function apply(world: World, scenario: Scenario, step: Step): void {
  if (step.kind === "update")
    explain(scenario, () => {
      for (const entry of step.entries) updateMap(world.kernel, entry.map, entry, scenario.file);
    });
  else if (step.kind === "delete") for (const { map, key } of step.entries) deleteElement(world.kernel, map, key);
  else world.session.enter(enterOptions(world, scenario, step));
}

/** A fresh world in which everything has been done again; `all`: the last step, a run, too. */
function replayed<T>(scenario: Scenario, profile: string, all: boolean, use: (world: World) => T): T {
  const world = worldOf(scenario, profile);
  try {
    for (const step of all ? scenario.steps : scenario.steps.slice(0, -1)) apply(world, scenario, step);
    return use(world);
  } finally {
    world.session.machine.close();
  }
}

function stackAt(scenario: Scenario, profile: string, moment: string): string | undefined {
  const point = parsePoint(moment);
  if (!point)
    throw new UserError(
      `${moment} is no moment: expected FUNCTION[:N], FUNCTION+0xOFF[:N], tail call N or instruction N`,
    );
  const step = scenario.steps[scenario.steps.length - 1] as RunStep;
  const prepared = <T>(use: (world: World, options: EnterOptions) => T): T =>
    replayed(scenario, profile, false, (world) => {
      const options = enterOptions(world, scenario, step);
      world.session.prepare(options);
      return use(world, options);
    });
  const icount = prepared(({ session }, { budget }) => findMoment(session, point, budget));
  if (icount === undefined) return undefined;
  return prepared(({ session: { machine } }) => {
    machine.resume(icount);
    return drawStack(machine);
  });
}

const registers = ({ session }: World): Registers =>
  Object.fromEntries(REG_NAMES.slice(0, 16).map((name, i) => [name, session.machine.engine.regs[i]]));

function readMap({ kernel }: World, name: string, key: number | bigint): bigint | string | undefined {
  const map: KernelMap | undefined = kernel.maps.get(name);
  if (!map) throw new UserError(`there is no map "${name}"${hint(name, [...kernel.maps.keys()])}`);
  if (map instanceof ProgArrayMap) return map.programAt(Number(key))?.name;
  const bytes = map.read(keyOf(key, map.def.keySize));
  return bytes && bytesInteger(bytes);
}
