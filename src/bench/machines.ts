import { assembleScenario } from "../runner/build.ts";
import { runScenario } from "../runner/scenario.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import { cpuMs } from "./cpu.ts";

const PROFILE = "linux-6.12";
const FEW = 10;
const MANY = 1000;

/** What the process holds, in bytes, after few and after many machines that ran a scenario each and were closed. */
export interface MachineMemory {
  few: { machines: number; bytes: number };
  many: { machines: number; bytes: number };
  /** ms of CPU time for one: made, a scenario loaded and run on it, closed */
  msEach: number;
}

export function measureMachines(progress: (text: string) => void): MachineMemory {
  const [{ id, file }] = findScenarios(["hierarchy/two-calls"]);
  const scenario = loadScenario(file, { id });
  const source = assembleScenario(scenario);
  const run = (count: number): number => {
    for (let i = 0; i < count; i++) runScenario(scenario, source, PROFILE);
    return process.memoryUsage.rss();
  };
  progress(`${MANY} machines`);
  const few = run(FEW);
  const before = cpuMs();
  const many = run(MANY - FEW);
  const ms = cpuMs() - before;
  return {
    few: { machines: FEW, bytes: few },
    many: { machines: MANY, bytes: many },
    msEach: ms / (MANY - FEW),
  };
}
