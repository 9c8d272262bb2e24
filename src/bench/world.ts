import type { NativeOptions } from "../../emulator/native/engine.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { assembleScenario, buildWorld, type World } from "../runner/build.ts";
import { enterOptions } from "../runner/enter-options.ts";
import type { EnterOptions } from "../runner/session.ts";
import { updateMap } from "../runner/update.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** Instructions that are as good as no limit. */
const ENOUGH = 1_000_000_000;

/** A scenario as it is before its first run, on a machine that is closed behind `use`. */
export function beforeRun<T>(
  scenario: Scenario,
  profile: X86Profile,
  use: (world: World, options: EnterOptions) => T,
  engine?: NativeOptions,
): T {
  const world = buildWorld(scenario, assembleScenario(scenario), profile, engine ? { engine } : {});
  try {
    for (const { name, values } of scenario.maps)
      for (const entry of values) updateMap(world.kernel, name, entry, scenario.file);
    const step = scenario.steps.find((candidate) => candidate.kind === "run")!;
    const { tailCallLimit: _, ...options } = enterOptions(world, scenario, step);
    return use(world, { ...options, budget: ENOUGH });
  } finally {
    world.session.machine.close();
  }
}
