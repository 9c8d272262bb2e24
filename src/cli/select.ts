import { UserError } from "../error.ts";
import { isProfile, profileNames } from "../runner/profiles.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { SharedOptions } from "./options.ts";

/** The scenarios that paths, --filter and --shard name, read. Only these are read. Throws UserError. */
export function selectScenarios(
  paths: readonly string[],
  options: Pick<SharedOptions, "filter" | "shard">,
): Scenario[] {
  const found = findScenarios(paths);
  const { filter, shard } = options;
  const named = filter ? found.filter(({ id }) => filter.test(id)) : found;
  if (filter && named.length === 0)
    throw new UserError(`no scenario's name matches --filter ${filter.source} (of ${found.length})`);
  const part = shard ? named.filter((_, i) => i % shard.of === shard.part - 1) : named;
  const profiles = { names: profileNames(), has: isProfile };
  return part.map(({ id, file }) => loadScenario(file, { id, profiles }));
}
