import type { Kernel } from "../../emulator/kernel.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import type { Finding } from "../checks/finding.ts";
import type { Outcome } from "../runner/session.ts";

/** What can be told of a run from outside. */
export interface RunOutcome {
  /** index of the step */
  step: number;
  /** undefined: it did not return */
  r0: bigint | undefined;
  tailCalls: bigint;
  /** it was ended at a tail call past the limit */
  isPastLimit: boolean;
  findings: Finding[];
}

/** A whole program's runs, and what they leave in the maps: "map[key] = hex". */
export interface ProgramOutcome {
  runs: RunOutcome[];
  maps: string[];
  instructions: number;
}

export const LIMIT = 33;

export function runOutcome(step: number, { r0, tailCalls, findings }: Outcome): RunOutcome {
  return { step, r0, tailCalls, isPastLimit: tailCalls > LIMIT, findings };
}

/** Contents of those maps, but of prog arrays. */
export function contentsOf(kernel: Kernel, names: ReadonlySet<string>): string[] {
  const contents: string[] = [];
  for (const map of kernel.maps.values()) {
    if (map instanceof ProgArrayMap || !names.has(map.def.name)) continue;
    const lines = map.keys().map((key) => {
      const value = Buffer.from(map.read(key) ?? []).toString("hex");
      return `${map.def.name}[${Buffer.from(key).readUInt32LE()}] = ${value}`;
    });
    contents.push(...lines.sort());
  }
  return contents;
}
