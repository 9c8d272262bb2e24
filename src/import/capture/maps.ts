import { MAP_TYPE_ARRAY, MAP_TYPE_PERCPU_ARRAY, MAP_TYPE_PROG_ARRAY } from "../../../bpf/program.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import type { KernelMap } from "../../../emulator/maps/map.ts";
import { indexOf, keyOf } from "../../../emulator/maps/map.ts";
import type { RunRequest } from "./format.ts";

/** Values longer than this are recorded by their hash. */
const HASHED = 512;
/** Elements that a record lists at most. */
const LISTED = 64;

/** Write the array elements that a run starts with, zero padded. */
export function initialise(kernel: Kernel, request: RunRequest): void {
  for (const { map, idx, hex } of request.init) {
    const target = kernel.maps.get(map);
    if (!target) throw new RangeError(`run initialises ${map}, which is no map of the set`);
    const value = new Uint8Array(target.def.valueSize);
    value.set(Buffer.from(hex, "hex").subarray(0, value.length));
    target.update(keyOf(idx), value, 0n, kernel.machine.cpu);
  }
}

/** Complete contents of all maps as a capture records them: key -> value in hex, array elements that are zero left out. */
export function recordedMaps(kernel: Kernel): Record<string, Record<string, string>> {
  const all: Record<string, Record<string, string>> = {};
  for (const [name, map] of kernel.maps) if (map.def.type !== MAP_TYPE_PROG_ARRAY) all[name] = recordedMap(map);
  return all;
}

function recordedMap(map: KernelMap): Record<string, string> {
  const out: Record<string, string> = {};
  const isArray = map.def.type === MAP_TYPE_ARRAY || map.def.type === MAP_TYPE_PERCPU_ARRAY;
  for (const key of map.keys().slice(0, LISTED)) {
    const value = map.read(key);
    if (!value || (isArray && value.every((byte) => byte === 0))) continue;
    out[keyText(key)] = value.length > HASHED ? `fnv1a64:${fnv1a64(value)}` : Buffer.from(value).toString("hex");
  }
  return out;
}

const keyText = (key: Uint8Array): string =>
  key.length <= 4 ? String(indexOf(key)) : String(Buffer.from(key).readBigUInt64LE(0));

function fnv1a64(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

/** Differences of two records in words; empty: the same. */
export function mapDifferences(
  expected: Record<string, Record<string, string>>,
  actual: Record<string, Record<string, string>>,
): { path: string; expected: string; actual: string }[] {
  const different: { path: string; expected: string; actual: string }[] = [];
  for (const map of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [want, got] = [expected[map] ?? {}, actual[map] ?? {}];
    for (const key of new Set([...Object.keys(want), ...Object.keys(got)]))
      if (want[key] !== got[key])
        different.push({
          path: `maps.${map}.${key}`,
          expected: want[key] ?? "(absent)",
          actual: got[key] ?? "(absent)",
        });
  }
  return different;
}
