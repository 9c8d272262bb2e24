import { profileNamed } from "../../jit/profiles/index.ts";
import type { Finding } from "../checks/finding.ts";
import { UserError } from "../error.ts";
import { appliesTo, breakOf, stepsFor } from "../scenario/expect.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { buildWorld, type Source, type WorldOptions } from "./build.ts";
import { compareCode } from "./code/compare.ts";
import { checkFastcall, lostSpills } from "./fastcall/check.ts";
import { judge } from "./judge.ts";
import { type KernelOffsets, withKernelOffsets } from "./offsets.ts";
import { KernelLacks, kernelLacks, Refusal } from "./refusal.ts";
import type { Mismatch, RunResult } from "./result.ts";
import { ScenarioRun } from "./steps.ts";
import { storyOf, toldOf } from "./story.ts";

export interface ScenarioOptions extends WorldOptions {
  /** of another kernel than the profile's own */
  offsets?: KernelOffsets | undefined;
  /** only the verdict counts: a run that goes past the limit though the scenario doesn't say so is not followed to its end */
  hasty?: boolean;
}

/**
 * Run one scenario on one profile; skipped where the kernel lacks what it needs. Throws UserError for a program that no kernel loads.
 */
export function runScenario(
  scenario: Scenario,
  source: Source,
  profileName: string,
  options: ScenarioOptions = {},
): RunResult {
  const start = performance.now();
  const named = profileNamed(profileName);
  if (!named) throw new UserError(`unknown profile "${profileName}"`);
  const profile = withKernelOffsets(named, options.offsets);
  const base = { scenario: scenario.id, title: scenario.title, file: scenario.file, profile: profileName };
  const skip = (reason: string): RunResult => ({
    ...base,
    ...nothing(),
    verdict: "skip",
    reason,
    ms: performance.now() - start,
  });
  if (!appliesTo(scenario, profileName)) return skip(`is about ${scenario.profiles.join(", ")}`);
  let run: ScenarioRun;
  try {
    const steps = stepsFor(scenario, profileName);
    const checks = breakOf(scenario, profileName)?.checks.map(({ value }) => value) ?? [];
    run = new ScenarioRun(
      () => buildWorld(scenario, source, profile, options),
      scenario,
      steps,
      options.hasty ? checks : undefined,
    );
  } catch (error) {
    if (error instanceof KernelLacks) return skip(`this kernel ${error.message}`);
    const others = source.programs.map(({ program }) => program);
    if (!(error instanceof Refusal && kernelLacks(error, source.maps, others))) throw error;
    return skip(`this kernel's verifier refuses ${error.reason}`);
  }
  try {
    const code = compareCode(run.world, scenario, profileName);
    const outcome = run.run();
    const steps = stepsFor(scenario, profileName);
    const spills = lostSpills(run.world) ? checkFastcall(scenario, source, profile, steps) : [];
    const all = {
      ...outcome,
      findings: [...outcome.findings, ...spills],
      mismatches: [...code, ...outcome.mismatches],
    };
    const declared = breakOf(scenario, profileName);
    const story = toldOf(scenario, profile);
    return {
      ...base,
      ...(story ? { story: storyOf(story, scenario, declared?.expect) } : {}),
      ...judge(all, declared, profile.breaks),
      ms: performance.now() - start,
    };
  } finally {
    run.close();
  }
}

const nothing = () => ({
  tailCalls: 0n,
  instructions: 0,
  maxStack: 0,
  findings: [] as Finding[],
  mismatches: [] as Mismatch[],
});
