import type { Variable } from "../../bpf/elf/object.ts";
import type { RawMap } from "./grammar.ts";
import type { RawKey, RawValue } from "./raw.ts";
import { readKey, readValue } from "./read-value.ts";
import type { MapEntry, MapSpec, VariableValue } from "./scenario.ts";
import type { Placed } from "./shape.ts";

/** Bytes that one map's values may take: the machine allocates them up front. */
const MAX_MAP_BYTES = 64 * 1024 * 1024;

/** The maps of a file, by name, and what reads their elements. */
export class Maps {
  readonly #specs = new Map<string, MapSpec>();
  readonly #programs: ReadonlySet<string>;
  readonly #variables = new Map<string, Variable>();

  /** `object`: what an ELF object brings along. */
  constructor(
    raw: readonly [string, RawMap][],
    programs: ReadonlySet<string>,
    object: { maps: readonly MapSpec[]; variables: readonly Variable[] } = { maps: [], variables: [] },
  ) {
    this.#programs = programs;
    for (const spec of object.maps) this.#specs.set(spec.name, spec);
    for (const variable of object.variables) this.#variables.set(variable.name, variable);
    for (const [name, map] of raw) {
      const spec = mapSpec(name, map);
      if (this.#specs.has(name)) map.here.fail(`the object has a map ${name}, too`);
      this.#specs.set(name, spec);
      spec.values = (map.values ?? []).map(([key, value]) => this.#entry(spec, key, value));
    }
  }

  all(): MapSpec[] {
    return [...this.#specs.values()];
  }

  /** Keys of a map. */
  keys(map: Placed<string>, keys: readonly RawKey[]): bigint[] {
    const spec = this.#get(map);
    return keys.map((key) => readKey(spec, key));
  }

  /** Elements of several maps in a row, as expect and update list them. */
  entries(raw: readonly [Placed<string>, readonly [RawKey, RawValue][]][] = []): (MapEntry & { map: string })[] {
    return raw.flatMap(([map, entries]) => {
      const spec = this.#get(map);
      return entries.map(([key, value]) => ({ map: spec.name, ...this.#entry(spec, key, value) }));
    });
  }

  /** Contents at the start: they take the place of what the object has there. */
  initialize(raw: readonly [Placed<string>, readonly [RawKey, RawValue][]][]): void {
    for (const { map, ...entry } of this.entries(raw)) {
      const { values } = this.#specs.get(map)!;
      const at = values.findIndex(({ key }) => key === entry.key);
      if (at < 0) values.push(entry);
      else values[at] = entry;
    }
  }

  /** Values of variables at the start. */
  initializeVariables(raw: readonly [Placed<string>, RawValue][]): void {
    for (const { map, offset, value } of this.variables(raw)) {
      const whole = this.#specs.get(map)?.values.find(({ key }) => key === 0n)?.value;
      if (whole?.kind === "bytes" && value.kind === "bytes") whole.bytes.set(value.bytes, offset);
    }
  }

  /** Variables of the object and their values. */
  variables(raw: readonly [Placed<string>, RawValue][]): VariableValue[] {
    return raw.map(([{ here, value: name }, value]) => {
      const variable = this.#variables.get(name);
      if (!variable) {
        if (this.#variables.size) here.unknown("variable", name, [...this.#variables.keys()]);
        return here.fail(`unknown variable "${name}"; only an object has variables`);
      }
      const { map, offset, size } = variable;
      const spec = { ...this.#specs.get(map)!, name, valueSize: size };
      return { name, map, offset, size, ...value.here.at(readValue(spec, value, this.#programs)) };
    });
  }

  #get({ here, value }: Placed<string>): MapSpec {
    return this.#specs.get(value) ?? here.unknown("map", value, [...this.#specs.keys()]);
  }

  #entry(spec: MapSpec, key: RawKey, value: RawValue): MapEntry {
    return { key: readKey(spec, key), ...value.here.at(readValue(spec, value, this.#programs)) };
  }
}

function mapSpec(name: string, raw: RawMap): MapSpec {
  const { type, here } = raw;
  const keySize = raw.key_size ?? 4;
  const valueSize = raw.value_size ?? (type === "prog_array" ? 4 : undefined);
  if (valueSize === undefined) return here.fail(`expected the key "value_size" (bytes) in ${article(type)}`);
  if (keySize !== 4 && !type.endsWith("hash")) here.fail(`expected key_size 4 in ${article(type)}, found ${keySize}`);
  if (valueSize !== 4 && type === "prog_array") here.fail(`expected value_size 4 in a prog_array, found ${valueSize}`);
  if (raw.max_entries * valueSize > MAX_MAP_BYTES)
    here.fail(`expected values of at most ${MAX_MAP_BYTES} bytes in all, found ${raw.max_entries} of ${valueSize}`);
  return { name, type, keySize, valueSize, maxEntries: raw.max_entries, values: [], at: here.position() };
}

const article = (type: string) => `${type === "array" ? "an" : "a"} ${type}`;
