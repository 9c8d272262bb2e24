import { hint } from "../suggest.ts";
import type { Cursor } from "./cursor.ts";
import type { JsonSchema, Shape } from "./shape.ts";

export interface Field<T, R extends boolean> {
  shape: Shape<T>;
  required: R;
  doc: string;
}

/** A key that must be there. `doc` is what an editor shows. */
export const required = <T>(shape: Shape<T>, doc: string): Field<T, true> => ({ shape, required: true, doc });
/** A key that may be there. */
export const optional = <T>(shape: Shape<T>, doc: string): Field<T, false> => ({ shape, required: false, doc });

export type Fields = Record<string, Field<unknown, boolean>>;
export type ObjectOf<F extends Fields> = {
  [K in keyof F as F[K]["required"] extends true ? K : never]: F[K] extends Field<infer T, boolean> ? T : never;
} & {
  [K in keyof F as F[K]["required"] extends true ? never : K]?: F[K] extends Field<infer T, boolean> ? T : never;
} & { here: Cursor };

/** A mapping with known keys; an unknown or missing key is an error. The result's `here` is its place. */
export function object<F extends Fields>(expected: string, fields: F): Shape<ObjectOf<F>> {
  const names = Object.keys(fields);
  return {
    expected,
    read(at) {
      const result: Record<string, unknown> = { here: at };
      for (const { key, name, value } of at.entries(expected)) {
        if (!Object.hasOwn(fields, name)) key.fail(`unknown key "${name}"${hint(name, names, 20)}`);
        result[name] = fields[name].shape.read(value);
      }
      for (const name of names)
        if (fields[name].required && !(name in result))
          at.fail(`expected the key "${name}" (${fields[name].shape.expected}), which is missing`);
      return result as ObjectOf<F>;
    },
    schema(): JsonSchema {
      const needed = names.filter((name) => fields[name].required);
      return {
        type: "object",
        properties: Object.fromEntries(
          names.map((name) => [name, { ...fields[name].shape.schema(), description: fields[name].doc }]),
        ),
        additionalProperties: false,
        ...(needed.length ? { required: needed } : {}),
      };
    },
  };
}
