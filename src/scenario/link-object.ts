import type { Btf } from "../../bpf/btf/btf.ts";
import type { ElfMap } from "../../bpf/elf/maps.ts";
import { type BpfObject, mapProblem, type ObjectProgram, type Variable } from "../../bpf/elf/object.ts";
import { FormatError } from "../../bpf/reader.ts";
import { KERNEL_FUNCTIONS } from "./kernel-functions.ts";
import type { Position } from "./lines.ts";
import type { AttachSpec, MapSpec, ProgramSpec } from "./scenario.ts";
import { mapTypeOf, programTypeOf } from "./type-numbers.ts";

/** What a scenario takes from an object: maps and programs as if they were written in the file at `at`. */
export interface ObjectParts {
  maps: MapSpec[];
  programs: ProgramSpec[];
  variables: Variable[];
  /** configuration values that must be told, as nothing else is known of them */
  unset: string[];
  /** programs that are left out, and why */
  problems: Map<string, string>;
}

/** The object's maps, and those of its programs that can be loaded: all that are named in `wanted`, or all. */
export function linkObject(
  object: BpfObject,
  at: Position,
  { wanted, kernel }: { wanted?: ReadonlySet<string> | undefined; kernel?: Btf | undefined } = {},
): ObjectParts {
  const problems = new Map<string, string>();
  const programs: ProgramSpec[] = [];
  for (const program of object.programs) {
    if (wanted && !wanted.has(program.name)) continue;
    const spec = programSpec(object, program, at, kernel);
    if (typeof spec === "string") problems.set(program.name, spec);
    else programs.push(spec);
  }
  for (const spec of programs.filter(({ attach }) => attach)) attachToObject(spec, programs, problems);
  return {
    maps: object.maps.filter((map) => !mapProblem(map)).map((map) => mapSpec(map, at)),
    programs: programs.filter(({ name }) => !problems.has(name)),
    variables: object.variables,
    unset: object.kconfig.filter(({ weak }) => !weak).map(({ name }) => name),
    problems,
  };
}

function mapSpec({ def, value, frozen, slots }: ElfMap, at: Position): MapSpec {
  const { name, keySize, valueSize, maxEntries } = def;
  const place = { ...at, path: `object.${name}` };
  const values: MapSpec["values"] = slots.map(({ index, program }) => ({
    key: BigInt(index),
    value: { kind: "program", name: program },
    ...place,
  }));
  if (value) values.push({ key: 0n, value: { kind: "bytes", bytes: value, style: { as: "hex" } }, ...place });
  const spec: MapSpec = { name, type: mapTypeOf(def.type)!, keySize, valueSize, maxEntries, values, at };
  return frozen ? { ...spec, frozen } : spec;
}

/** A program, or why it cannot be loaded. */
function programSpec(object: BpfObject, program: ObjectProgram, at: Position, kernel?: Btf): ProgramSpec | string {
  const { name, section, kind } = program;
  if (!kind) return `section ${section} is no kind of program that libbpf knows`;
  const type = kind.type === undefined ? undefined : programTypeOf(kind.type);
  if (!type || kind.type === undefined) return `programs of section ${section} are not modelled`;
  try {
    const compiled = object.link(program, kind.type, kernel);
    const spec: ProgramSpec = { name, type, code: { text: "", start: 0, end: 0 }, compiled, at };
    if (kind.attach) spec.attach = { type: kind.attach, function: kind.target, ...at };
    return spec;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** SEC("fentry/f") is attached to the program of the object that has a function f, or to the kernel's. */
function attachToObject(
  { name, attach }: ProgramSpec,
  programs: readonly ProgramSpec[],
  problems: Map<string, string>,
): void {
  const target = programs.find(
    (other) => !other.attach && other.compiled?.functions.some((fn) => fn.name === attach!.function),
  );
  if (target) attach!.program = target.name;
  else if (!isTraceable(attach!))
    problems.set(
      name,
      `it is attached to ${attach!.function || "nothing"}, which is no function of this object's programs`,
    );
}

/** May a program of this kind be attached to that function of the modelled kernel? */
function isTraceable({ type, function: name }: AttachSpec): boolean {
  const fn = KERNEL_FUNCTIONS.find((candidate) => candidate.name === name);
  return fn !== undefined && type !== "freplace" && (type !== "fmod_ret" || fn.modifiable === true);
}
