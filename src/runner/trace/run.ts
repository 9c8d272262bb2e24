import type { Scenario, Step } from "../../scenario/scenario.ts";
import type { World } from "../build.ts";
import { enterOptions } from "../enter-options.ts";
import { runWithEvents } from "../events.ts";
import { guarded } from "../guarded.ts";
import type { Outcome, Spectator } from "../session.ts";
import { deleteElement, updateMap } from "../update.ts";

/** Who watches a scenario's runs. */
export interface RunWatcher extends Spectator {
  /** Run `number` (from 1) of `program` begins; `context` is the address of what it is handed. */
  begins?(run: { number: number; program: string; context: bigint }): void;
  ends?(outcome: Outcome): void;
}

/**
 * Run the scenario's steps on a fresh world for somebody to watch; nothing is expected of them. Ends behind a run that did not
 * return: what would follow is not what happens elsewhere.
 */
export function watchScenario(world: World, scenario: Scenario, steps: readonly Step[], watcher: RunWatcher): void {
  const { kernel, session } = world;
  for (const { name, values } of scenario.maps)
    for (const entry of values) updateMap(kernel, name, entry, scenario.file);
  let number = 0;
  for (const step of steps) {
    if (step.kind === "delete") for (const { map, key } of step.entries) deleteElement(kernel, map, key);
    else if (step.kind === "update")
      for (const entry of step.entries) updateMap(kernel, entry.map, entry, scenario.file);
    else {
      const options = enterOptions(world, scenario, step);
      session.spectator = watcher;
      watcher.begins?.({ number: ++number, program: step.program, context: options.context });
      const outcome = guarded(world, scenario.file, () =>
        step.events?.length ? runWithEvents(world, options, step.events).outcome : session.enter(options),
      );
      session.spectator = {};
      watcher.ends?.(outcome);
      if (outcome.r0 === undefined) return;
    }
  }
}
