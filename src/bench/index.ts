import { measureCompile } from "./compile.ts";
import { measureExact } from "./exact.ts";
import { measureExplore } from "./explore.ts";
import { measureMachines } from "./machines.ts";
import { measureStartup } from "./startup.ts";
import { measureThroughput } from "./throughput.ts";

/** What can be measured, by name; each is handed somebody who wants to know what it is at. */
export const PARTS = {
  startup: measureStartup,
  throughput: measureThroughput,
  compile: measureCompile,
  exact: measureExact,
  explore: measureExplore,
  memory: measureMachines,
} as const;

export type Part = keyof typeof PARTS;
export type Measured = { [P in Part]: ReturnType<(typeof PARTS)[P]> };
