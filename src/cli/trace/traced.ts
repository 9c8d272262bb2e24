import { profileNamed } from "../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld, type World } from "../../runner/build.ts";
import { type KernelOffsets, withKernelOffsets } from "../../runner/offsets.ts";
import { stepsFor } from "../../scenario/expect.ts";
import type { Scenario, Step } from "../../scenario/scenario.ts";
import type { Output } from "../output.ts";

/** What is traced, and where to show it. */
export interface Traced {
  scenario: Scenario;
  profile: string;
  offsets: KernelOffsets | undefined;
  output: Output;
  /** one JSON object a line */
  json: boolean;
}

/** Gives fresh worlds of the scenario, one at a time, and the steps to take in them. */
export function worldsOf({ scenario, profile, offsets }: Traced): {
  steps: Step[];
  onWorld: <T>(use: (world: World) => T) => T;
} {
  const source = assembleScenario(scenario);
  return {
    steps: stepsFor(scenario, profile),
    onWorld(use) {
      const world = buildWorld(scenario, source, withKernelOffsets(profileNamed(profile)!, offsets));
      try {
        return use(world);
      } finally {
        world.session.machine.close();
      }
    },
  };
}

export const runHeading = (number: number, program: string, profile: string): string =>
  `run ${number}: ${program} on ${profile}`;
