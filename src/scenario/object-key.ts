import { dirname, isAbsolute, join } from "node:path";
import { UserError } from "../error.ts";
import { readBtf } from "../import/btf.ts";
import { checked, readObject } from "../import/object.ts";
import type { SourceFile } from "./document.ts";
import type { RawScenario } from "./grammar.ts";
import type { Maps } from "./link-maps.ts";
import { linkObject, type ObjectParts } from "./link-object.ts";
import type { Placed } from "./shape.ts";

/** What the key `object` brings in; undefined: it is not there. Throws UserError, about the object's file where that is wrong. */
export function loadObject(
  raw: RawScenario,
  source: SourceFile,
  wanted?: ReadonlySet<string>,
): ObjectParts | undefined {
  const { object } = raw;
  if (!object) {
    const lonely = raw.entry?.here ?? raw.btf?.here ?? (raw.values || raw.variables ? raw.here : undefined);
    return lonely?.fail('expected the key "object" beside entry, values, variables and btf');
  }
  const file = besideFile(source.name, object.value);
  const parts = checked(file, () => {
    const kernel = raw.btf && readBtf(besideFile(source.name, raw.btf.value));
    return linkObject(readObject(file), object.here.position(), { wanted, kernel });
  });
  const written = new Set((raw.programs ?? []).map(([name]) => name));
  for (const { name } of parts.programs)
    if (written.has(name)) object.here.fail(`${object.value} has a program ${name}, too`);
  if (!parts.programs.length) {
    const [first] = parts.problems;
    throw new UserError(
      first ? `${first[0]}: ${first[1]}` : 'has no program: no function is in a section such as SEC("tc")',
      { file },
    );
  }
  return parts;
}

const besideFile = (scenario: string, name: string): string =>
  isAbsolute(name) ? name : join(dirname(scenario), name);

/** Contents of maps and variables at the start. */
export function initialize(raw: RawScenario, maps: Maps, { unset }: ObjectParts): void {
  const set = new Set((raw.variables ?? []).map(([{ value }]) => value));
  const missing = unset.find((name) => !set.has(name));
  if (missing)
    raw.object!.here.fail(
      `asks for ${missing} of the kernel's configuration; expected its value (variables, or --set on the command line)`,
    );
  maps.initialize(raw.values ?? []);
  maps.initializeVariables(raw.variables ?? []);
}

/** Throws UserError: no such program, or why it was left out. */
export function unknownProgram(
  { here, value }: Placed<string>,
  names: readonly string[],
  object: ObjectParts | undefined,
): never {
  const problem = object?.problems.get(value);
  if (problem) here.fail(`program ${value} cannot be loaded: ${problem}`);
  return here.unknown("program", value, names);
}
