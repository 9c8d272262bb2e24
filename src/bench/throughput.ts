import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import type { World } from "../runner/build.ts";
import type { EnterOptions } from "../runner/session.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { leastCpu } from "./cpu.ts";
import { placeDriver } from "./driver.ts";
import { beforeRun } from "./world.ts";

const PROFILE = "linux-6.12";
/** The programs that take the most instructions, as many as tell something. */
const HOTTEST = 8;
/** Instructions of one measurement. */
const AIM = 1_000_000;
const ROUNDS = 5;

/** One program of the catalogue, with all contracts on and with no hooks at all. */
export interface Throughput {
  scenario: string;
  /** of one run */
  instructions: number;
  /** instructions per second of CPU time */
  contracts: number;
  bare: number;
}

interface Hot {
  scenario: Scenario;
  instructions: number;
}

/**
 * How fast the catalogue's hottest programs run, each called again and again by one and the same code. Only programs without calls of
 * kernel functions, as those are nothing but hooks.
 */
export function measureThroughput(progress: (text: string) => void): Throughput[] {
  return hottest().map(({ scenario, instructions }) => {
    progress(scenario.id);
    const times = Math.ceil(AIM / instructions);
    const contracts = measure(scenario, times, false);
    const bare = measure(scenario, times, true);
    const executed = contracts.instructions;
    return {
      scenario: scenario.id,
      instructions,
      contracts: (1000 * executed) / contracts.ms,
      bare: (1000 * executed) / bare.ms,
    };
  });
}

function hottest(): Hot[] {
  const hot = findScenarios([]).flatMap(({ id, file }): Hot[] => {
    const scenario = loadScenario(file, { id });
    const step = scenario.steps[0];
    if (scenario.steps.length !== 1 || step.kind !== "run" || step.events?.length || scenario.profiles.length)
      return [];
    return beforeRun(scenario, profileNamed(PROFILE)!, ({ session }, options) => {
      const { r0, calls, instructions, findings } = session.enter(options);
      return r0 === undefined || calls.size || findings.length ? [] : [{ scenario, instructions }];
    });
  });
  return hot.sort((a, b) => b.instructions - a.instructions).slice(0, HOTTEST);
}

function measure(scenario: Scenario, times: number, bare: boolean): { instructions: number; ms: number } {
  const measured = ({ session }: World, entry: EnterOptions) => {
    const { machine } = session;
    const driver = placeDriver(machine, entry.entry, times);
    const options = { ...entry, entry: driver.entry };
    let instructions = 0;
    const ms = leastCpu(ROUNDS, () => {
      if (bare) {
        session.prepare(options);
        machine.engine.run({ until: RETURN_TO_KERNEL, budget: Number.MAX_SAFE_INTEGER });
      } else ({ instructions } = session.enter(options));
    });
    return { instructions, ms };
  };
  return beforeRun(scenario, profileNamed(PROFILE)!, measured, { bare });
}
