import { isScalar } from "yaml";
import type { Cursor } from "./cursor.ts";

export type JsonSchema = { [key: string]: unknown };

/**
 * One description of a part of the file for two uses: `read` takes it from YAML or throws a UserError with its place,
 * `schema` describes the same for editors. `expected` completes the sentence "expected ...".
 */
export interface Shape<T> {
  readonly expected: string;
  /** for a key of a table: the pattern of its name */
  readonly keyPattern?: string;
  read(at: Cursor): T;
  schema(): JsonSchema;
}

export type Read<S> = S extends Shape<infer T> ? T : never;

/** A string; `pattern` constrains it. */
export function text(expected = "text", pattern?: RegExp): Shape<string> {
  return {
    expected,
    read(at) {
      const { value } = at.scalar(expected);
      if (typeof value !== "string" || (pattern && !pattern.test(value))) at.expected(expected);
      return value as string;
    },
    schema: () => (pattern ? { type: "string", pattern: pattern.source } : { type: "string" }),
    ...(pattern ? { keyPattern: pattern.source } : {}),
  };
}

/** An integer within min..max, both included. */
export function integer(expected: string, min: bigint, max: bigint): Shape<bigint> {
  return {
    expected,
    read(at) {
      const { value } = at.scalar(expected);
      if (typeof value !== "bigint" || value < min || value > max) at.expected(expected);
      return value as bigint;
    },
    schema: () => ({ type: "integer", minimum: Number(min), maximum: Number(max) }),
  };
}

/** One of a few words. */
export function word<const T extends string>(words: readonly T[]): Shape<T> {
  const expected = words.length > 6 ? "a known name" : `one of ${words.join(", ")}`;
  return {
    expected,
    read(at) {
      const { value } = at.scalar(expected);
      if (!words.includes(value as T)) at.unknown("name", String(value ?? ""), words);
      return value as T;
    },
    schema: () => ({ enum: words }),
  };
}

export function list<T>(item: Shape<T>, expected: string, atLeast = 0): Shape<T[]> {
  return {
    expected,
    read(at) {
      const items = at.items(expected);
      if (items.length < atLeast) at.fail(`expected ${expected}, found an empty list`);
      return items.map((child) => item.read(child));
    },
    schema: () => ({ type: "array", items: item.schema(), ...(atLeast ? { minItems: atLeast } : {}) }),
  };
}

/** A mapping whose keys the author chooses: what `key` reads, with what `value` reads. */
export function table<K, V>(key: Shape<K>, value: Shape<V>, expected: string, atLeast = 0): Shape<[K, V][]> {
  return {
    expected,
    read(at) {
      const entries = at.entries(expected);
      if (entries.length < atLeast) at.fail(`expected ${expected}, found an empty mapping`);
      return entries.map((entry) => [key.read(entry.key), value.read(entry.value)]);
    },
    schema: () => ({
      type: "object",
      ...(key.keyPattern ? { propertyNames: { pattern: key.keyPattern } } : {}),
      additionalProperties: value.schema(),
      ...(atLeast ? { minProperties: atLeast } : {}),
    }),
  };
}

export interface Placed<T> {
  here: Cursor;
  value: T;
}

/** The shape's value together with its place. */
export function placed<T>(shape: Shape<T>): Shape<Placed<T>> {
  return { ...shape, read: (here) => ({ here, value: shape.read(here) }) };
}

/** `scalar` for a scalar, `list` for a list, `map` for a mapping; what is left out is an error. */
export function either<S = never, L = never, M = never>(
  expected: string,
  shapes: { scalar?: Shape<S>; list?: Shape<L>; map?: Shape<M> },
): Shape<S | L | M> {
  return {
    expected,
    read(at) {
      const shape = at.isMap ? shapes.map : at.isSeq ? shapes.list : shapes.scalar;
      if (!shape || (!at.isMap && !at.isSeq && !isScalar(at.node))) return at.expected(expected);
      return (shape as Shape<S | L | M>).read(at);
    },
    schema: () => ({ anyOf: Object.values(shapes).map((shape) => shape.schema()) }),
  };
}
