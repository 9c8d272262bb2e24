import { ArrayMap } from "../../emulator/maps/array.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { UserError } from "../error.ts";
import { assembleScenario, buildWorld } from "../runner/build.ts";
import { buildContext } from "../runner/context.ts";
import { updateMap } from "../runner/update.ts";
import { stepsFor } from "../scenario/index.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Child } from "./child.ts";
import { Mirror, USER_LAYOUT } from "./mirror.ts";
import { Script } from "./script.ts";

const SIGALRM = 14n;

/** A scenario's first run on the CPU, to its end however far that is. */
export interface BruteResult {
  profile: string;
  /** undefined: it took longer than it may */
  r0: bigint | undefined;
  /** signal that ended it, 0: none */
  signal: number;
  /** first u64 of each array afterwards, by "map[index]" */
  values: Record<string, bigint>;
  ms: number;
}

/** Run it on the CPU, `seconds` at most. Throws UserError for a scenario whose programs call helpers. */
export function runOnCpu(scenario: Scenario, profile: X86Profile, seconds: number, child: Child): BruteResult {
  const world = buildWorld(scenario, assembleScenario(scenario), profile, { place: USER_LAYOUT });
  const { kernel, session } = world;
  try {
    for (const { name, values } of scenario.maps)
      for (const entry of values) updateMap(kernel, name, entry, scenario.file);
    for (const [name, { xlated }] of world.programs)
      for (const callee of xlated.calls.values())
        throw new UserError(`${name} calls ${callee}, which is no machine code`, { file: scenario.file });
    const step = stepsFor(scenario, profile.name).find(({ kind }) => kind === "run");
    if (step?.kind !== "run") throw new UserError("runs nothing", { file: scenario.file });
    const { entry, type } = world.programs.get(step.program)!;
    const context = buildContext(kernel, type, step.context);
    const script = new Script();
    const mirror = new Mirror(kernel);
    mirror.begin(script);
    mirror.send(script);
    script.patience(seconds);
    const entered = script.enter(entry, context);
    const loads = Object.entries(elementsOf(kernel.maps.values())).map(
      ([name, at]) => [name, script.load(at)] as const,
    );
    const start = performance.now();
    const answers = child.run(script);
    const ms = performance.now() - start;
    const signal = answers[entered];
    return {
      profile: profile.name,
      r0: signal ? undefined : answers[entered + 1],
      signal: signal === SIGALRM ? 0 : Number(signal),
      values: Object.fromEntries(loads.map(([name, at]) => [name, answers[at]])),
      ms,
    };
  } finally {
    session.machine.close();
  }
}

/** Addresses of the elements of arrays with values of 8 bytes. */
function elementsOf(maps: Iterable<unknown>): Record<string, bigint> {
  const elements: Record<string, bigint> = {};
  for (const map of maps)
    if (map instanceof ArrayMap && map.def.valueSize === 8)
      for (let index = 0; index < map.def.maxEntries; index++)
        elements[`${map.def.name}[${index}]`] = map.element(index);
  return elements;
}
