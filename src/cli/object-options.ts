import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { BpfObject } from "../../bpf/elf/object.ts";
import { UserError } from "../error.ts";
import { readBinary, readObject } from "../import/object.ts";
import { parseScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { hint } from "../suggest.ts";

/** What is told about an ELF object on the command line. */
export interface ObjectOptions {
  entry?: string;
  ctxSkb?: string;
  ctxArgs?: string;
  expect?: string[];
  set?: string[];
  slot?: string[];
  attach?: string[];
  btf?: string;
}

const repeated = (value: string, before?: string[]): string[] => [...(before ?? []), value];

const OPTIONS: Record<keyof ObjectOptions, () => Option> = {
  entry: () => option("--entry <NAME>", "the program that is entered"),
  ctxSkb: () => option("--ctx-skb <FILE|HEX>", "the packet"),
  ctxArgs: () => option("--ctx-args <N,...>", "the arguments of a raw tracepoint or traced function, integers"),
  expect: () => several("--expect <WHAT=VALUE>", "r0, tail_calls, max_stack, a variable, MAP[KEY] or helpers.NAME"),
  set: () => several("--set <WHAT=VALUE>", "a variable or MAP[KEY] before the run"),
  slot: () =>
    several("--slot <MAP[N]=PROGRAM>", "a prog array's slot; MAP=prog_* puts prog_0 into 0, prog_1 into 1, ..."),
  attach: () => several("--attach <NAME>", "a tracing program, to the function that its section names"),
  btf: () => option("--btf <FILE>", "a kernel's BTF, which CO-RE relocations are resolved against"),
};

const option = (flags: string, text: string): Option => new Option(flags, `object: ${text}`);
const several = (flags: string, text: string): Option => option(flags, `${text}; may be repeated`).argParser(repeated);

/** Options for a file that is an ELF object. */
export function addObject(command: Command, names = Object.keys(OPTIONS) as readonly (keyof ObjectOptions)[]): Command {
  for (const name of names) command.addOption(OPTIONS[name]());
  return command;
}

/** The first of these options that was given, as it is written. */
export function objectOptionsGiven(options: ObjectOptions): string | undefined {
  const given = (Object.keys(OPTIONS) as (keyof ObjectOptions)[]).find((name) => options[name] !== undefined);
  return given && `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An ELF object as a scenario: all programs that are entered or in a slot, or with `all` all that can be loaded. Throws UserError. */
export function loadObjectFile(file: string, options: ObjectOptions, all = false): Scenario {
  const object = readObject(file);
  const slots = (options.slot ?? []).flatMap((text) => slotsOf(text, object));
  const names = object.programs.map(({ name }) => name);
  const entry = options.entry ?? (names.includes("entry") ? "entry" : names.length === 1 ? names[0] : undefined);
  if (entry === undefined && names.length && !all)
    throw new UserError(`has ${names.length} programs; expected --entry with one of ${names.join(", ")}`, { file });
  if (options.entry !== undefined && !names.includes(options.entry))
    throw new UserError(`has no program "${options.entry}"${hint(options.entry, names)}`, { file });
  const attached = options.attach ?? [];
  for (const name of attached)
    if (!names.includes(name)) throw new UserError(`has no program "${name}"${hint(name, names)}`, { file });
  const written = object.maps.flatMap((map) => map.slots.map(({ program }) => program));
  const wanted = all
    ? undefined
    : new Set([...(entry ? [entry] : []), ...written, ...attached, ...slots.map(({ program }) => program)]);
  const title = entry && !all ? `${basename(file)}: ${entry}` : basename(file);
  const text = scenarioText(title, file, entry ?? names[0], slots, options);
  try {
    const id = basename(file).replace(/(\.bpf)?\.o$/, "");
    return unplaced(parseScenario(text, file, { id, ...(wanted ? { wanted } : {}) }));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(error.message, { file: error.file }, { cause: error });
    throw error;
  }
}

/** The options as a scenario's text, in YAML's flow style, a key a line. */
function scenarioText(
  title: string,
  file: string,
  entry: string | undefined,
  slots: readonly Slot[],
  { set = [], expect = [], ctxSkb, ctxArgs, btf }: ObjectOptions,
): string {
  const sets = set.map((text) => assignment("--set", text));
  const values = [
    ...sets.flatMap(({ map, key, value }) => (map === undefined ? [] : [{ map, key, value }])),
    ...slots.map(({ map, index, program }) => ({ map, key: String(index), value: quote(program) })),
  ];
  const lines = [`title: ${quote(title)}`, `object: ${quote(basename(file))}`];
  if (entry !== undefined) lines.push(`entry: ${quote(entry)}`);
  if (btf !== undefined) lines.push(`btf: ${quote(resolve(btf))}`);
  if (values.length) lines.push(`values: ${byMap(values)}`);
  const variables = sets.filter(({ map }) => map === undefined);
  if (variables.length)
    lines.push(`variables: { ${variables.map(({ key, value }) => `${quote(key)}: ${value}`).join(", ")} }`);
  if (ctxSkb !== undefined && ctxArgs !== undefined) throw new UserError("expected one of --ctx-skb and --ctx-args");
  if (ctxSkb !== undefined) lines.push(`context: { data: ${quote(packet(ctxSkb))} }`);
  if (ctxArgs !== undefined) lines.push(`context: { args: [${ctxArgs.split(",").map(scalar).join(", ")}] }`);
  if (expect.length) lines.push(`expect: ${expectation(expect.map((text) => assignment("--expect", text)))}`);
  return `${lines.join("\n")}\n`;
}

interface Assignment {
  map: string | undefined;
  key: string;
  value: string;
}

/** "WHAT=VALUE" or "MAP[KEY]=VALUE" */
function assignment(option: string, text: string): Assignment {
  const [, name, key, value] = /^([A-Za-z_.][\w.]*)(?:\[([^\]]+)\])?=(.+)$/s.exec(text) ?? [];
  if (name === undefined) throw new UserError(`${option} ${text}: expected NAME=VALUE or MAP[KEY]=VALUE`);
  if (key === undefined) return { map: undefined, key: name, value: scalar(value) };
  return { map: name, key: scalar(key), value: scalar(value) };
}

const quote = (text: string): string => JSON.stringify(text);
/** Integers, null and lists of integers are YAML already; all else is text. */
const scalar = (text: string): string =>
  /^\s*(-?\d+|0x[0-9a-fA-F]+|null|\[[\s\d,xa-fA-F-]*\])\s*$/.test(text) ? text.trim() : quote(text);

function byMap(entries: readonly { map: string; key: string; value: string }[]): string {
  const maps = new Map<string, string[]>();
  for (const { map, key, value } of entries) maps.set(map, [...(maps.get(map) ?? []), `${key}: ${value}`]);
  return `{ ${[...maps].map(([map, pairs]) => `${quote(map)}: { ${pairs.join(", ")} }`).join(", ")} }`;
}

const WORDS = ["r0", "tail_calls", "instructions", "max_stack"];

function expectation(all: readonly Assignment[]): string {
  const plain: string[] = [];
  const helpers: string[] = [];
  const variables: string[] = [];
  for (const { map, key, value } of all) {
    if (map !== undefined) continue;
    const pair = `${quote(key.replace(/^helpers\./, ""))}: ${value}`;
    if (WORDS.includes(key)) plain.push(pair);
    else if (key.startsWith("helpers.")) helpers.push(pair);
    else variables.push(pair);
  }
  const maps = all.flatMap(({ map, key, value }) => (map === undefined ? [] : [{ map, key, value }]));
  if (maps.length) plain.push(`maps: ${byMap(maps)}`);
  if (helpers.length) plain.push(`helpers: { ${helpers.join(", ")} }`);
  if (variables.length) plain.push(`variables: { ${variables.join(", ")} }`);
  return `{ ${plain.join(", ")} }`;
}

interface Slot {
  map: string;
  index: number;
  program: string;
}

/** "MAP[N]=PROGRAM", or "MAP=PREFIX*" for all programs PREFIX0, PREFIX1, ... as libbpf's selftests fill theirs. */
function slotsOf(text: string, object: BpfObject): Slot[] {
  const [, map, index, program, star] =
    /^([A-Za-z_.][\w.]*)(?:\[(\d{1,9})\])?=([A-Za-z_][\w.]*)(\*)?$/.exec(text) ?? [];
  if (!map || (index === undefined) !== (star !== undefined))
    throw new UserError(`--slot ${text}: expected MAP[N]=PROGRAM, or MAP=PREFIX* for PREFIX0, PREFIX1, ...`);
  if (index !== undefined) return [{ map, index: Number(index), program }];
  const found = object.programs.flatMap(({ name }) => {
    const number = name.startsWith(program) ? name.slice(program.length) : "";
    return /^(0|[1-9]\d{0,8})$/.test(number) ? [{ map, index: Number(number), program: name }] : [];
  });
  if (!found.length) throw new UserError(`--slot ${text}: the object has no program ${program}0, ${program}1, ...`);
  return found;
}

/** Hex digits, or what is in a file. */
function packet(text: string): string {
  if (/^(\s*[0-9a-fA-F]{2})+\s*$/.test(text) && !existsSync(text)) return text;
  if (!existsSync(text)) throw new UserError(`--ctx-skb ${text}: expected hex bytes such as 08004500 or a file`);
  return Buffer.from(readBinary(text, "a packet")).toString("hex");
}

/** Nothing of it stands in a file. */
function unplaced<T>(value: T): T {
  if (value instanceof Uint8Array || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(unplaced) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, of] of Object.entries(value)) {
    if (key === "compiled") copy[key] = of;
    else copy[key] = (key === "line" || key === "column") && typeof of === "number" ? 0 : unplaced(of);
  }
  return copy as T;
}
