import { UserError } from "../error.ts";
import { isProfile, profileNames } from "../runner/profiles.ts";
import { parseScenario } from "../scenario/load.ts";
import type { AttachType, MapType, ProgramType, SkbField } from "../scenario/names.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { yaml } from "./yaml.ts";

/** A value of a map: an integer (little endian, of the map's value size), bytes, integers that fill it, a program for a prog_array. */
export type Value = number | bigint | string | Uint8Array | readonly (number | bigint)[];

/** A map, with the words of a scenario file. */
export interface MapSource {
  type: MapType;
  max_entries: number;
  /** bytes of a key, 4 by default */
  key_size?: number;
  /** bytes of a value; a prog_array has 4 */
  value_size?: number;
  /** contents at the start, by index or key */
  values?: Readonly<Record<number | string, Value>>;
}

/** A program: BPF assembly, as it is or with its type; `classifier` by default. */
export type ProgramSource =
  | string
  | {
      code: string;
      type?: ProgramType;
      attach?: { type: AttachType; program?: string; function: string };
    };

/** Programs and their maps, by name: the keys `maps` and `programs` of a scenario file. */
export interface Source {
  maps?: Readonly<Record<string, MapSource>>;
  programs: Readonly<Record<string, ProgramSource>>;
}

/** What a run is given: a packet's bytes and members of struct __sk_buff, or the arguments of a tracepoint. */
export type ContextSource =
  | ({ data?: Uint8Array } & { readonly [F in SkbField]?: number | bigint })
  | { args: readonly (number | bigint)[] };

/** A step of a scenario file. */
export type StepSource =
  | { run: string; context?: ContextSource }
  | { update: Record<string, Record<string, Value>> }
  | { delete: Record<string, readonly (number | bigint | string)[]> };

/** What of a line stands before a program's text. */
const INDENT = "      ";

/** The same as a scenario with these steps. Throws UserError; in a program's text, its file is the program's name. */
export function scenarioOf(source: Source, steps: readonly StepSource[] = []): Scenario {
  const names = Object.keys(source.programs);
  const written = steps.some((step) => "run" in step) ? steps : [...steps, { run: names[0] ?? "" }];
  const lines = ["title: library", `maps: ${yaml(source.maps ?? {})}`, "programs:"];
  const texts: ProgramText[] = [];
  for (const [name, program] of Object.entries(source.programs)) {
    const { code, ...rest } = typeof program === "string" ? { code: program } : program;
    lines.push(`  ${yaml(name)}:`, ...Object.entries(rest).map(([key, value]) => `    ${key}: ${yaml(value)}`));
    if (!/\S/.test(code)) throw new UserError("is empty; expected BPF assembly", { file: name });
    lines.push("    code: |2");
    const text = code.replace(/\r?\n/g, "\n").replace(/\n+$/, "").split("\n");
    texts.push({ name, header: lines.length, lines: text.length });
    lines.push(...text.map((line) => INDENT + line));
  }
  lines.push(`steps: ${yaml(written)}`, "");
  const profiles = { names: profileNames(), has: isProfile };
  return explain(texts, () => parseScenario(lines.join("\n"), "source", { id: names[0] ?? "source", profiles }));
}

interface ProgramText {
  name: string;
  /** the line above its first one */
  header: number;
  lines: number;
}

/** Errors in a program's text are told with their place in that text. */
export function explain<T>(texts: readonly ProgramText[] | Scenario, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof UserError) || error.file !== "source") throw error;
    const { line, column, message } = error;
    const all = "programs" in texts ? programTexts(texts) : texts;
    const within = all.find(({ header, lines }) => line !== undefined && line > header && line <= header + lines);
    if (!within) throw new UserError(message, {}, { cause: error });
    throw new UserError(
      message,
      {
        file: within.name,
        line: line! - within.header,
        ...(column ? { column: Math.max(1, column - INDENT.length) } : {}),
      },
      { cause: error },
    );
  }
}

function programTexts({ text, programs }: Scenario): ProgramText[] {
  return programs.map(({ name, code }) => ({
    name,
    header: text.slice(0, code.start).split("\n").length,
    lines: code.text.split("\n").length,
  }));
}
