import type { RawKey, RawValue } from "./raw.ts";
import { hexBytes } from "./raw.ts";
import type { MapSpec, MapValue } from "./scenario.ts";
import { bytesInteger } from "./value.ts";

const isPerCpu = (map: MapSpec) => map.type.startsWith("percpu");
const range = (bytes: number) => `an integer of ${bytes} byte${bytes === 1 ? "" : "s"}`;

/** An integer's `size` bytes, little endian; undefined when it doesn't fit, signed or unsigned. */
function integerBytes(value: bigint, size: number): Uint8Array | undefined {
  const bits = 8n * BigInt(size);
  if (value < -(1n << (bits - 1n)) || value >= 1n << bits) return undefined;
  const bytes = new Uint8Array(size);
  for (let i = 0, rest = BigInt.asUintN(8 * size, value); i < size && rest; i++, rest >>= 8n)
    bytes[i] = Number(rest & 255n);
  return bytes;
}

/** A key as the integer its bytes spell. Arrays count from 0; a hash takes what fits its key. */
export function readKey(map: MapSpec, { here, value }: RawKey): bigint {
  if (map.type.endsWith("hash")) {
    const bytes = typeof value === "string" ? hexBytes(value) : integerBytes(value, map.keySize);
    if (bytes?.length !== map.keySize) here.fail(`expected a key of ${map.keySize} bytes for the map ${map.name}`);
    return bytesInteger(bytes!);
  }
  if (typeof value === "string" || value < 0n || value >= BigInt(map.maxEntries))
    here.fail(`expected an index from 0 to ${map.maxEntries - 1} for the map ${map.name}, found ${value}`);
  return value as bigint;
}

/** A value in the map's own size. `programs` are the names that a prog_array may hold. */
export function readValue(map: MapSpec, raw: RawValue, programs: ReadonlySet<string>): MapValue {
  const { here } = raw;
  const size = map.valueSize;
  if (raw.kind === "nothing") return { kind: "absent" };
  if (map.type === "prog_array") {
    if (raw.kind !== "text") return here.expected("a program's name");
    if (!programs.has(raw.value)) here.unknown("program", raw.value, [...programs]);
    return { kind: "program", name: raw.value };
  }
  if (raw.kind === "integer") {
    const bytes = integerBytes(raw.value, size) ?? here.expected(range(size));
    return { kind: "bytes", bytes, style: { as: "integer" } };
  }
  if (raw.kind === "text") {
    if (!/^\s*(?:[0-9a-fA-F]{2}\s*)*$/.test(raw.value)) here.expected("an integer, hex bytes or a list of integers");
    const bytes = hexBytes(raw.value);
    if (bytes.length !== size) here.fail(`expected ${size} hex bytes, found ${bytes.length}`);
    return { kind: "bytes", bytes, style: { as: "hex" } };
  }
  if (isPerCpu(map)) {
    const values = raw.values.map(
      (value) => integerBytes(value, size) ?? here.fail(`expected ${range(size)} per CPU, found ${value}`),
    );
    return { kind: "perCpu", values };
  }
  const word = size / raw.values.length;
  if (word !== 1 && word !== 2 && word !== 4 && word !== 8)
    return here.fail(
      `expected integers of 1, 2, 4 or 8 bytes that fill ${size} bytes, found ${raw.values.length} of them`,
    );
  const bytes = new Uint8Array(size);
  raw.values.forEach((value, i) => {
    bytes.set(integerBytes(value, word) ?? here.fail(`expected ${range(word)} at ${i}, found ${value}`), i * word);
  });
  return { kind: "bytes", bytes, style: { as: "words", word } };
}
