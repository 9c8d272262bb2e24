import { UserError } from "../error.ts";
import { readLines } from "./lines.ts";
import type { ConformanceResult } from "./result.ts";
import type { VectorSettings } from "./vector/line.ts";
import { openPool } from "./vector/pool.ts";

/** Lines that are read ahead of the threads that run them. */
const AHEAD = 4;

export interface VectorRequest extends VectorSettings {
  files: readonly string[];
  /** threads */
  jobs: number;
}

/** Every vector of the files, in their order, each everywhere before the next. Throws UserError. */
export async function* runVectors({ files, jobs, ...settings }: VectorRequest): AsyncGenerator<ConformanceResult> {
  const pool = openPool(jobs, settings);
  const underway: Promise<ConformanceResult[]>[] = [];
  try {
    for (const file of files) {
      let lines = 0;
      for await (const { number, bytes } of readLines(file)) {
        lines++;
        const results = pool.run({ bytes, file, line: number });
        results.catch(() => {}); // told when its turn comes
        underway.push(results);
        if (underway.length >= pool.width * AHEAD || pool.width === 1) yield* await underway.shift()!;
      }
      if (lines === 0) throw new UserError("is empty; expected a test vector (a JSON object) a line", { file });
    }
    while (underway.length) yield* await underway.shift()!;
  } finally {
    pool.close();
  }
}
