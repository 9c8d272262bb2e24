import { reasonFor, SAME_WORDS } from "./equivalent.ts";
import type { MutantResult } from "./mutant.ts";
import { TRAP } from "./operators/whole.ts";
import { type Fault, reworkOf, type Survey } from "./survey.ts";
import { type Trial, tryWith } from "./trial.ts";

/** Scenarios that are named where a site is executed. */
const MOST_NAMED = 3;

/** All faults of one site against the scenarios that have it, those first that killed another fault of the site. */
export function huntSite(faults: readonly Fault[], { trials }: Survey): MutantResult[] {
  const byCost = [...trials].sort((a, b) => a.cost - b.cost);
  const killers: Trial[] = [];
  return faults.map((fault): MutantResult => {
    const { rework, concerns, reads, notice, ...mutant } = fault;
    const order = [...killers, ...byCost.filter((trial) => !killers.includes(trial))];
    const killer = order.find(
      (trial) => concerns(trial) && tryWith(trial, fault.profile, (image) => rework(trial, image)) !== trial.ending,
    );
    if (killer) {
      if (!killers.includes(killer)) killers.unshift(killer);
      return { ...mutant, verdict: "killed", killedBy: killer.scenario.id };
    }
    const same = trials.every((trial) => reads(trial) === "the same");
    const reason = same ? SAME_WORDS : reasonFor(mutant);
    if (reason) return { ...mutant, verdict: "equivalent", reason };
    return { ...mutant, verdict: "survived", notice, reachedBy: reachedBy(fault, byCost) };
  });
}

/** Scenarios that end otherwise when the site's instruction is a breakpoint. */
function reachedBy({ profile, site, sample }: Fault, trials: readonly Trial[]): string[] {
  const { rework, concerns } = reworkOf(site, TRAP.name);
  const reached: string[] = [];
  for (const trial of trials) {
    if (reached.length === MOST_NAMED || !sample.before) break;
    if (concerns(trial) && tryWith(trial, profile, (image) => rework(trial, image)) !== trial.ending)
      reached.push(trial.scenario.id);
  }
  return reached;
}
