import type { RunResult } from "../../runner/result.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { type Reporter, Tally } from "../report.ts";
import type { Assets } from "./assets.ts";
import { htmlPage, pack } from "./document.ts";
import { recordScenario } from "./record.ts";

/** One page about these scenarios, which needs no network: each is run again and recorded once its results are there. */
export function html(scenarios: readonly Scenario[], assets: Assets): Reporter {
  return async (results, options) => {
    const tally = new Tally(options);
    const all: RunResult[] = [];
    const packed = new Map<string, string>();
    let of: RunResult[] = [];
    const record = () => {
      const scenario = scenarios.find(({ id }) => id === of[0]?.scenario);
      if (scenario) packed.set(scenario.id, pack(recordScenario(scenario, of)));
      of = [];
    };
    for await (const result of results) {
      if (of.length && of[0].scenario !== result.scenario) record();
      tally.add(result);
      all.push(result);
      of.push(result);
    }
    record();
    options.write(htmlPage(all, packed, assets));
    return tally.summary();
  };
}
