import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { assembleScenario, buildWorld, type World } from "../runner/build.ts";
import { buildContext } from "../runner/context.ts";
import { updateMap } from "../runner/update.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { leastCpu } from "./cpu.ts";
import { placeDriver } from "./driver.ts";

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
    return { scenario: scenario.id, instructions, contracts: (1000 * executed) / contracts.ms, bare: (1000 * executed) / bare.ms };
  });
}

function hottest(): Hot[] {
  const hot = findScenarios([]).flatMap(({ id, file }): Hot[] => {
    const scenario = loadScenario(file, { id });
    const step = scenario.steps[0];
    if (scenario.steps.length !== 1 || step.kind !== "run" || step.events?.length || scenario.profiles.length) return [];
    return onWorld(scenario, false, (world, options) => {
      const { r0, calls, instructions, findings } = world.session.enter(options);
      return r0 === undefined || calls.size || findings.length ? [] : [{ scenario, instructions }];
    });
  });
  return hot.sort((a, b) => b.instructions - a.instructions).slice(0, HOTTEST);
}

interface Entry {
  entry: bigint;
  context: bigint;
  budget: number;
}

/** The scenario as it is before its only run. */
function onWorld<T>(scenario: Scenario, bare: boolean, use: (world: World, entry: Entry) => T): T {
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(PROFILE)!, { bare });
  try {
    for (const { name, values } of scenario.maps)
      for (const entry of values) updateMap(world.kernel, name, entry, scenario.file);
    const step = scenario.steps.find((candidate) => candidate.kind === "run")!;
    const { entry, type } = world.programs.get(step.program)!;
    return use(world, { entry, context: buildContext(world.kernel, type, step.context), budget: 100 * AIM });
  } finally {
    world.session.machine.close();
  }
}

function measure(scenario: Scenario, times: number, bare: boolean): { instructions: number; ms: number } {
  return onWorld(scenario, bare, (world, entry) => {
    const { session } = world;
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
  });
}
