import type { X86Profile } from "../../../jit/profile.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { beforeRun } from "../../../src/bench/world.ts";
import { countExactly, type ExactRun } from "../../../src/exact/count.ts";
import type { World } from "../../../src/runner/build.ts";
import type { EnterOptions } from "../../../src/runner/session.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

/** A scenario's program in a machine, prepared to be entered. */
export const atEntry = <T>(
  yaml: string,
  profile: string | X86Profile,
  use: (world: World, options: EnterOptions) => T,
): T =>
  beforeRun(
    parseScenario(`title: t\n${yaml}`, "x.yaml"),
    typeof profile === "string" ? profileNamed(profile)! : profile,
    (world, forever) => {
      const options = { ...forever, budget: 50_000_000 };
      world.session.prepare(options);
      return use(world, options);
    },
  );

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
