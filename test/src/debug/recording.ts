import { profileNamed } from "../../../jit/profiles/index.ts";
import { record } from "../../../src/debug/timeline/record.ts";
import type { Timeline } from "../../../src/debug/timeline/timeline.ts";
import { assembleScenario, buildWorld } from "../../../src/runner/build.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

/** The recording of a scenario's runs; close it. `interval`: instructions between checkpoints. */
export function recordingOf(text: string, profile = "linux-6.12+mitoff", interval = 16, file = "t.yaml"): Timeline {
  const scenario = parseScenario(text, file);
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
  return record(world, scenario, scenario.steps, interval);
}
