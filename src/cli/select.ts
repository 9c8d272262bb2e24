import { UserError } from "../error.ts";
import { isObjectFile } from "../import/object.ts";
import { isProfile, profileNames } from "../runner/profiles.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { loadObjectFile, type ObjectOptions, objectOptionsGiven } from "./object-options.ts";
import type { SharedOptions } from "./options.ts";

/** The scenarios that paths, ELF objects among them, --filter and --shard name, read. Only these are read. Throws UserError. */
export function selectScenarios(
  paths: readonly string[],
  options: Pick<SharedOptions, "filter" | "shard">,
  object: ObjectOptions = {},
): Scenario[] {
  const objects = paths.filter(isObjectFile);
  const others = paths.filter((path) => !objects.includes(path));
  const given = objectOptionsGiven(object);
  if (given && !objects.length) throw new UserError(`${given} is for an ELF object; none is named`);
  const found = objects.length && !others.length ? [] : findScenarios(others);
  const { filter, shard } = options;
  const named = filter ? found.filter(({ id }) => filter.test(id)) : found;
  if (filter && named.length === 0 && found.length > 0)
    throw new UserError(`no scenario's name matches --filter ${filter.source} (of ${found.length})`);
  const loaded = objects.map((file) => loadObjectFile(file, object));
  const part = shard ? named.filter((_, i) => i % shard.of === shard.part - 1) : named;
  const profiles = { names: profileNames(), has: isProfile };
  return [...loaded, ...part.map(({ id, file }) => loadScenario(file, { id, profiles }))];
}
