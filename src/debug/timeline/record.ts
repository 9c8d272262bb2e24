import { UserError } from "../../error.ts";
import type { World } from "../../runner/build.ts";
import { watchScenario } from "../../runner/trace/run.ts";
import type { Scenario, Step } from "../../scenario/scenario.ts";
import { Recorder } from "./recorder.ts";
import { Timeline } from "./timeline.ts";

/**
 * Run the scenario's steps on a fresh world with every contract on, and give its recording; the world is the timeline's from
 * then on. `interval`: instructions between checkpoints. Throws UserError.
 */
export function record(world: World, scenario: Scenario, steps: readonly Step[], interval?: number): Timeline {
  const recorder = new Recorder(world.kernel, interval);
  watchScenario(world, scenario, steps, recorder);
  recorder.end();
  if (!recorder.pieces.length) throw new UserError("runs no program", { file: scenario.file });
  return new Timeline(world, recorder);
}
