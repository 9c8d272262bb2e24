import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { UserError } from "../error.ts";
import { isObjectFile } from "../import/object.ts";
import { isProfile, profileNames } from "../runner/profiles.ts";
import { type AssemblyOptions, loadAssembly } from "../scenario/assembly.ts";
import { appliesTo } from "../scenario/expect.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import { PROGRAM_TYPES, type ProgramType } from "../scenario/names.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { hint } from "../suggest.ts";
import { loadObjectFile, type ObjectOptions, objectOptionsGiven } from "./object-options.ts";

/** Options for a file that may be plain assembly. */
export function addAssembly(command: Command): Command {
  return command
    .addOption(
      new Option("--map <NAME=TYPE,...>", "assembly: declare a map, e.g. counter=array,value_size=8; may be repeated")
        .argParser((value: string, before?: string[]) => [...(before ?? []), value])
        .default([], "none"),
    )
    .addOption(
      new Option("--type <TYPE>", `assembly: ${PROGRAM_TYPES.join(", ")}`).default("classifier").argParser(programType),
    );
}

/** A scenario by file or by its name in the catalogue, a file of BPF assembly, or an ELF object. Throws UserError. */
export function loadProgramFile(
  file: string,
  { map, type, ...object }: { map?: string[]; type?: ProgramType } & ObjectOptions,
  allPrograms = false,
): Scenario {
  if (isObjectFile(file)) return loadObjectFile(file, object, allPrograms);
  const given = objectOptionsGiven(object);
  if (given) throw new UserError(`${given} is for an ELF object`, { file });
  if (!/\.ya?ml$/.test(file) && existsSync(file)) return loadAssembly(file, assemblyOptions(map, type));
  const found = findScenarios([file]);
  if (found.length > 1)
    throw new UserError(`is a folder of ${found.length} scenarios; expected one, e.g. ${found[0].id}`, { file });
  return loadScenario(found[0].file, { id: found[0].id, profiles: { names: profileNames(), has: isProfile } });
}

const assemblyOptions = (maps: string[] | undefined, type: ProgramType | undefined): AssemblyOptions => ({
  ...(maps ? { maps } : {}),
  ...(type ? { type } : {}),
});

/** The profiles that were asked for; without one, the newest kernel that the scenario is about. */
export function profilesFor(
  scenario: Scenario,
  asked: readonly string[] | undefined,
  all: readonly string[],
): string[] {
  if (asked) return [...asked];
  const known = all.filter((profile) => appliesTo(scenario, profile));
  const newest = known.findLast((profile) => profile.startsWith("linux-")) ?? known[0];
  if (newest === undefined)
    throw new UserError(`is about ${scenario.profiles.join(", ")}; name one with --profile`, { file: scenario.file });
  return [newest];
}

function programType(name: string): ProgramType {
  const known = PROGRAM_TYPES.find((type) => type === name);
  if (!known) throw new UserError(`unknown program type "${name}"${hint(name, PROGRAM_TYPES)}`);
  return known;
}
