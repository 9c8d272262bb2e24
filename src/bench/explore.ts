import { assembleScenario } from "../runner/build.ts";
import { runScenario } from "../runner/scenario.ts";
import { findScenarios } from "../scenario/find.ts";
import { loadScenario } from "../scenario/load.ts";

const PROFILES = ["linux-6.12", "rfc-percpu-v2", "rfc-task-inline"];

/** One scenario in which something happens at every instruction: how often, how often that broke it, and ms of wall-clock time. */
export interface ExploreCost {
  scenario: string;
  profile: string;
  points: number;
  broken: number;
  ms: number;
}

export function measureExplore(progress: (text: string) => void): ExploreCost[] {
  return findScenarios(["explore"]).flatMap(({ id, file }) => {
    const scenario = loadScenario(file, { id });
    const source = assembleScenario(scenario);
    return PROFILES.map((profile) => {
      progress(`${id} ${profile}`);
      const { explored } = runScenario(scenario, source, profile);
      const { points, broken, ms } = explored ?? { points: 0, broken: 0, ms: 0 };
      return { scenario: id, profile, points, broken, ms };
    });
  });
}
