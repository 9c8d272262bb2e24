import { isScalar } from "yaml";
import type { Cursor } from "./cursor.ts";
import { either, integer, list, type Shape, text } from "./shape.ts";

export const I64_MIN = -(1n << 63n);
export const U64_MAX = (1n << 64n) - 1n;

/** A u64 as the file writes it: decimal, 0x.., or negative; read as its two's complement. */
export const u64: Shape<bigint> = (() => {
  const shape = integer("an integer from -2^63 to 2^64-1", I64_MIN, U64_MAX);
  return { ...shape, read: (at) => BigInt.asUintN(64, shape.read(at)) };
})();

export const count = integer("an integer from 0 to 2^64-1", 0n, U64_MAX);

/** An integer that fits a JavaScript number, at least `min`. */
export function small(min: number, max: number): Shape<number> {
  const shape = integer(`an integer from ${min} to ${max}`, BigInt(min), BigInt(max));
  return { ...shape, read: (at) => Number(shape.read(at)) };
}

/** The name of a map or a program: what the assembler takes as a symbol. */
export const symbol = text("a name (letters, digits, _ and .)", /^[A-Za-z_][A-Za-z0-9_.]*$/);

const HEX = /^\s*(?:[0-9a-fA-F]{2}\s*)*$/;
export const hex = text('hex bytes such as "de ad be ef"', HEX);

/** The bytes that a hex string spells, in order. */
export function hexBytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replace(/\s/g, ""), "hex"));
}

/** A map's value before the map's type and sizes are known. */
export type RawValue = { here: Cursor } & (
  | { kind: "integer"; value: bigint }
  | { kind: "text"; value: string }
  | { kind: "list"; values: bigint[] }
  | { kind: "nothing" }
);

const signed = integer("an integer from -2^63 to 2^64-1", I64_MIN, U64_MAX);
const scalarOrList = either("an integer, hex bytes, a list of integers or a program's name", {
  scalar: { expected: "", read: () => undefined, schema: () => ({ type: ["integer", "string"] }) },
  list: list(signed, "a list of integers", 1),
});

/** `nothing` is allowed where `absent` is: null says that the element does not exist. */
export function rawValue(absent: boolean): Shape<RawValue> {
  const expected = absent ? `${scalarOrList.expected} (or null: no element)` : scalarOrList.expected;
  return {
    expected,
    read(here) {
      if (here.isSeq) return { here, kind: "list", values: scalarOrList.read(here) as bigint[] };
      const value = isScalar(here.node) ? here.node.value : undefined;
      if (typeof value === "bigint") return { here, kind: "integer", value: signed.read(here) };
      if (typeof value === "string") return { here, kind: "text", value };
      if (value === null && absent) return { here, kind: "nothing" };
      return here.expected(expected);
    },
    schema: () => ({
      anyOf: [
        signed.schema(),
        { type: absent ? ["string", "null"] : "string" },
        { type: "array", items: signed.schema(), minItems: 1 },
      ],
    }),
  };
}

/** A map's key: an integer, or hex bytes. */
export type RawKey = { here: Cursor; value: bigint | string };

export const rawKey: Shape<RawKey> = {
  expected: "an integer or hex bytes as the key",
  keyPattern: `^-?[0-9]+$|${HEX.source}`,
  read(here) {
    const value = isScalar(here.node) ? here.node.value : undefined;
    if (typeof value === "bigint") return { here, value: signed.read(here) };
    return { here, value: hex.read(here) };
  },
  schema: () => ({ anyOf: [signed.schema(), hex.schema()] }),
};
