import type { ConformanceResult } from "../result.ts";
import { parseVector } from "./parse.ts";
import { repairRandom } from "./repair.ts";
import { runVector, type VectorPlace } from "./run.ts";

/** What to do with the lines of vector files. */
export interface VectorSettings {
  /** profiles and "interpreter" */
  on: readonly string[];
  filter?: RegExp;
}

/** One line of a vector file, run everywhere; nothing where its name does not match. Throws UserError. */
export function runLine(bytes: Uint8Array, place: VectorPlace, { on, filter }: VectorSettings): ConformanceResult[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  const vector = parseVector(text, place);
  if (filter && !filter.test(vector.name)) return [];
  const repaired = repairRandom(vector);
  if (!repaired) return on.map((name) => runVector(vector, place, name));
  return on.map((name) => ({ ...runVector(repaired, place, name), repaired: true }));
}
