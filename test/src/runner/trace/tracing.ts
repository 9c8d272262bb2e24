import { profileNamed } from "../../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld, type World } from "../../../../src/runner/build.ts";
import { type RunWatcher, watchScenario } from "../../../../src/runner/trace/run.ts";
import type { TracedStep } from "../../../../src/runner/trace/step.ts";
import { Tracer } from "../../../../src/runner/trace/tracer.ts";
import { parseScenario } from "../../../../src/scenario/load.ts";

/** Run a scenario on a profile for whoever `watcher` makes. */
export function watch<T extends RunWatcher>(text: string, profile: string, watcher: (world: World) => T): T {
  const scenario = parseScenario(text, "t.yaml");
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
  try {
    const watching = watcher(world);
    watchScenario(world, scenario, scenario.steps, watching);
    return watching;
  } finally {
    world.session.machine.close();
  }
}

/** Every step of a scenario's runs. */
export function stepsOf(text: string, profile = "linux-6.12+mitoff"): TracedStep[] {
  const steps: TracedStep[] = [];
  watch(text, profile, (world) => {
    const tracer = new Tracer(world, (step) => steps.push(step));
    return {
      resume: (budget: number) => tracer.resume(budget),
      begins({ context }: { context: bigint }) {
        tracer.context = context;
      },
    };
  });
  return steps;
}

/** A scenario of one program. */
export const program = (code: string, rest = ""): string =>
  `title: t\nprograms:\n  p: |\n    ${code.trim().replace(/\n\s*/g, "\n    ")}\n${rest}`;

/** A subprogram that tail-calls its own entry, called `calls` times. */
export const hierarchy = (calls: number): string => `title: t
maps: { slots: { type: prog_array, max_entries: 1, values: { 0: entry } } }
programs:
  entry: |
    r6 = r1
${"    r1 = r6\n    call sub\n".repeat(calls)}    r0 = 1
    exit
    sub:
    r2 = slots ll
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
`;
