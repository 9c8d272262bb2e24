import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { assembleScenario, buildWorld, type World } from "../runner/build.ts";
import { defaultProfiles, profileNames } from "../runner/profiles.ts";
import { updateMap } from "../runner/update.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { hint } from "../suggest.ts";
import { explain } from "./source.ts";

/** What runs where nothing else is said. */
export const newestProfile = (): string => defaultProfiles().at(-1)!;

/** The scenario's programs and maps in a fresh machine. Close it. Throws UserError. */
export function worldOf(scenario: Scenario, profileName: string): World {
  const profile = profileNamed(profileName);
  if (!profile) throw new UserError(`unknown profile "${profileName}"${hint(profileName, profileNames())}`);
  return explain(scenario, () => {
    const world = buildWorld(scenario, assembleScenario(scenario), profile);
    for (const { name, values } of scenario.maps) for (const entry of values) updateMap(world.kernel, name, entry);
    return world;
  });
}
