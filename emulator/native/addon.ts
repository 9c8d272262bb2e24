import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError } from "../engine.ts";

/** A C++ engine, see addon.cc. */
export type Handle = { readonly native: unique symbol };

/** What went wrong, or nothing. */
type Outcome = string | undefined;

/** The functions of addon.cc. Sizes are in bytes, `marks` in elements. */
export interface Addon {
  describe(): string;
  create(block: BigUint64Array, stopFlag: Int32Array, options: number): Handle;
  close(engine: Handle): void;
  map(engine: Handle, addr: bigint, size: number, prot: number): Outcome;
  protect(engine: Handle, addr: bigint, size: number, prot: number): Outcome;
  read(engine: Handle, addr: bigint, into: Uint8Array): Outcome;
  write(engine: Handle, addr: bigint, bytes: Uint8Array): Outcome;
  mark(engine: Handle, addr: bigint, marks: Uint32Array): Outcome;
  guardStack(engine: Handle, low: bigint, high: bigint): Outcome;
  watch(engine: Handle, id: number, flags: number, limit: number): void;
  hits(engine: Handle, id: number): number;
  resetHits(engine: Handle): void;
  setRecords(engine: Handle, events?: BigUint64Array, steps?: BigUint64Array, accesses?: BigUint64Array): void;
  run(
    engine: Handle,
    until: bigint,
    budget: number,
    traced: number,
    callback: (what: number, argument: number) => boolean,
  ): Outcome;
  snapshot(engine: Handle, bytes: Float64Array): number;
  restore(engine: Handle, id: number): Outcome;
  drop(engine: Handle, id: number): void;
}

let loaded: Addon | undefined;

/** Loads what tools/setup/native.mjs built: dist/native/ of the package, wherever in it this code runs from. */
export function loadAddon(from: string = import.meta.url): Addon {
  if (loaded) return loaded;
  const name = join("dist", "native", `engine-${process.platform}-${process.arch}.node`);
  for (let dir = dirname(fileURLToPath(from)); ; dir = dirname(dir)) {
    const file = join(dir, name);
    if (existsSync(file)) {
      try {
        loaded = createRequire(from)(file) as Addon;
        return loaded;
      } catch (error) {
        throw new EngineError(`${file} does not load (${(error as Error).message}); build it anew with: npm run setup`);
      }
    }
    if (dir === dirname(dir))
      throw new EngineError(`the engine is not built (no ${name}); build it with: npm run setup`);
  }
}
