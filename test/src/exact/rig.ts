import type { X86Profile } from "../../../jit/profile.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { countExactly, type ExactRun } from "../../../src/exact/count.ts";
import { assembleScenario, buildWorld, type World } from "../../../src/runner/build.ts";
import { buildContext } from "../../../src/runner/context.ts";
import type { EnterOptions } from "../../../src/runner/session.ts";
import { updateMap } from "../../../src/runner/update.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

/** A scenario's program `entry` in a machine, about to be entered. */
export function atEntry<T>(
  yaml: string,
  profile: string | X86Profile,
  use: (world: World, options: EnterOptions) => T,
): T {
  const scenario = parseScenario(`title: t\n${yaml}`, "x.yaml");
  const world = buildWorld(
    scenario,
    assembleScenario(scenario),
    typeof profile === "string" ? profileNamed(profile)! : profile,
  );
  try {
    for (const { name, values } of scenario.maps)
      for (const entry of values) updateMap(world.kernel, name, entry, "x.yaml");
    const { entry, type } = world.programs.get("entry")!;
    const options = { entry, context: buildContext(world.kernel, type, undefined), budget: 50_000_000 };
    world.session.prepare(options);
    return use(world, options);
  } finally {
    world.session.machine.close();
  }
}

/** Count by the memo; `after` sees the world as the run leaves it. */
export const exactly = (
  yaml: string,
  profile: string | X86Profile,
  after?: (world: World) => void,
  budget?: number,
): ExactRun =>
  atEntry(yaml, profile, (world) => {
    const run = countExactly(world.session.machine, { budget });
    after?.(world);
    return run;
  });

/** The same by executing everything. */
export const plainly = (yaml: string, profile: string | X86Profile, after?: (world: World) => void) =>
  atEntry(yaml, profile, (world, options) => {
    const { r0, tailCalls, instructions, maxStack, calls } = world.session.enter(options);
    after?.(world);
    return { r0, tailCalls, instructions: BigInt(instructions), maxStack, calls };
  });
