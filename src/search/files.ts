import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../error.ts";
import { graphText } from "./graph.ts";
import { type Breakage, type Finding, scenarioText } from "./scenario-text.ts";
import type { Broken, Found } from "./search.ts";

/** A file for each graph that is the smallest to break some profile; profiles that one breaks share it. Throws UserError. */
export function writeScenarios(folder: string, results: readonly Found[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [i, text] of scenarios(results).entries()) writeFileSync(join(folder, `found-${i + 1}.yaml`), text);
  } catch (error) {
    throw new UserError(`cannot be written: ${(error as Error).message}`, { file: folder }, { cause: error });
  }
}

/** The files' texts. */
export function scenarios(results: readonly Found[]): string[] {
  const files = new Map<string, { finding: Finding; breakages: Breakage[] }>();
  const note = (finding: Finding, breakage: Breakage): void => {
    const key = `${graphText(finding.graph)} ${finding.indexing} ${finding.traced}`;
    const file = files.get(key) ?? { finding, breakages: [] };
    file.breakages.push(breakage);
    files.set(key, file);
  };
  for (const { profile, smallest, smallestTraced } of results) {
    if (smallest) note({ ...smallest, traced: false }, breakageOf(profile, smallest.trial, countOf(smallest)));
    if (smallestTraced) note({ ...smallestTraced, traced: true }, breakageOf(profile, smallestTraced.trial));
  }
  return [...files.values()].map(({ finding, breakages }) => scenarioText(finding, breakages));
}

const countOf = ({ exact }: Broken): bigint | undefined => (exact.kind === "exact" ? exact.tailCalls : undefined);

function breakageOf(profile: string, trial: Broken["trial"], exact?: bigint): Breakage {
  if (trial.how === "count") return { profile, tailCalls: BigInt(trial.tailCalls) };
  const check = { limit: "tail-call-limit", endless: "tail-call-limit", fault: "fault" }[trial.how];
  return { profile, check, ...(exact === undefined ? {} : { tailCalls: exact }) };
}
