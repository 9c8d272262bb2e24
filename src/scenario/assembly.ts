import { basename } from "node:path";
import { UserError } from "../error.ts";
import { readText, type TextKind } from "./document.ts";
import { parseScenario } from "./load.ts";
import type { ProgramType } from "./names.ts";
import type { MapSpec, Scenario } from "./scenario.ts";

const ASSEMBLY: TextKind = {
  file: "BPF assembly",
  whole: "BPF assembly",
  content: "BPF assembly",
  most: 32 * 1024 * 1024,
};

export interface AssemblyOptions {
  /** default classifier */
  type?: ProgramType;
  /** see declaredMaps */
  maps?: readonly string[];
}

/** A file of BPF assembly as a scenario of one program, named like the file, that expects nothing. Throws UserError. */
export function loadAssembly(file: string, { type = "classifier", maps = [] }: AssemblyOptions = {}): Scenario {
  const text = readText(file, ASSEMBLY);
  if (!/\S/.test(text)) throw new UserError("is empty; expected BPF assembly", { file });
  const name = programName(file);
  const at = { line: 1, column: 1 };
  return {
    id: name,
    file,
    text,
    title: `${name}: BPF assembly`,
    profiles: [],
    maps: declaredMaps(maps),
    programs: [{ name, type, code: { text, start: 0, end: text.length }, at }],
    steps: [{ kind: "run", program: name, expect: { maps: [], helpers: [], stack: [] }, at }],
    code: [],
    breaks: [],
  };
}

function programName(file: string): string {
  const name = basename(file)
    .replace(/\.[^.]*$/, "")
    .replace(/[^A-Za-z0-9_]/g, "_");
  return /^[A-Za-z_]/.test(name) ? name : "entry";
}

const DECLARATION = /^([A-Za-z_][A-Za-z0-9_.]*)=([a-z_]+)((?:,[a-z_]+=[0-9]+)*)$/;

/**
 * Maps declared as "NAME=TYPE[,KEY=N]...", with the types and keys that a scenario has: "counter=array,value_size=16". What is not
 * said is one element of 8 bytes. Throws UserError.
 */
export function declaredMaps(declarations: readonly string[]): MapSpec[] {
  if (declarations.length === 0) return [];
  const lines = declarations.map((declaration) => {
    const [, name, type, fields] = DECLARATION.exec(declaration) ?? [];
    if (!name)
      throw new UserError(`--map ${declaration}: expected NAME=TYPE[,KEY=N]..., e.g. counter=array,value_size=8`);
    const value = type === "prog_array" || /,value_size=/.test(fields) ? "" : ", value_size: 8";
    const entries = /,max_entries=/.test(fields) ? "" : ", max_entries: 1";
    return `  ${name}: { type: ${type}${entries}${value}${fields.replace(/,(\w+)=/g, ", $1: ")} }`;
  });
  try {
    return parseScenario(`title: t\nmaps:\n${lines.join("\n")}\nprograms: { p: exit }\n`, "--map").maps;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`--map: ${error.message}`, {}, { cause: error });
    throw error;
  }
}
