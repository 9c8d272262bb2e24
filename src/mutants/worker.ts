import { parentPort, workerData } from "node:worker_threads";
import { claimNext } from "../runner/crew.ts";
import { huntSite } from "./hunt.ts";
import type { HuntMessage, HuntWork } from "./run.ts";
import { survey } from "./survey.ts";

/** A thread of the hunt: takes site after site until none is left. */
const { profile, scenarios, filter, next } = workerData as HuntWork;
const say = (message: HuntMessage): void => parentPort?.postMessage(message);

try {
  const all = survey(profile, scenarios, filter);
  const { sites } = all;
  for (let index = claimNext(next, sites.length); index !== undefined; index = claimNext(next, sites.length))
    say({ index, results: huntSite(sites[index][1], all) });
} catch (error) {
  say({ error: String((error as Error).stack ?? error) });
}
