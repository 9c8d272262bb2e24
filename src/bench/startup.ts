import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../error.ts";
import { packageRoot } from "../root.ts";

/** What a fresh process takes, in ms of wall-clock time: the least of several. */
export interface Startup {
  /** jitproof --help */
  helpMs: number;
  /** jitproof run: the whole catalogue on every kernel */
  catalogueMs: number;
  /** scenarios on profiles */
  results: number;
}

const ROUNDS = 5;

export function measureStartup(progress: (text: string) => void): Startup {
  progress("jitproof --help");
  const helpMs = Math.min(...Array.from({ length: ROUNDS }, () => timed(["--help"]).ms));
  progress("jitproof run");
  const runs = Array.from({ length: ROUNDS }, () => timed(["run", "--reporter", "json"]));
  const { passed, failed, skipped } = JSON.parse(runs[0].stdout).summary;
  return { helpMs, catalogueMs: Math.min(...runs.map(({ ms }) => ms)), results: passed + failed + skipped };
}

function timed(args: string[]): { ms: number; stdout: string } {
  const bin = join(packageRoot(), "dist", "jitproof.js");
  if (!existsSync(bin)) throw new UserError("is missing; build it with: npm run build", { file: bin });
  const start = performance.now();
  const { stdout } = spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  return { ms: performance.now() - start, stdout };
}
