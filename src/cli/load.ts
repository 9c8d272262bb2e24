import type { Command } from "commander";
import type { CommandName } from "./commands.ts";

/** Each command's file, loaded when it is called. */
export const load: Record<CommandName, () => Promise<{ command(): Command }>> = {
  run: () => import("./run.ts"),
  matrix: () => import("./matrix.ts"),
  trace: () => import("./trace.ts"),
  debug: () => import("./debug.ts"),
  jit: () => import("./jit.ts"),
  compare: () => import("./compare.ts"),
  replay: () => import("./replay.ts"),
  conformance: () => import("./conformance.ts"),
  search: () => import("./search.ts"),
  fuzz: () => import("./fuzz.ts"),
  native: () => import("./native.ts"),
  report: () => import("./report.ts"),
  bench: () => import("./bench.ts"),
  mutants: () => import("./mutants.ts"),
  merge: () => import("./merge.ts"),
};
