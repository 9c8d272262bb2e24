import { parentPort, workerData } from "node:worker_threads";
import { type CrewMessage, type CrewWork, claimNext } from "./crew.ts";
import { toMessage } from "./crossing.ts";
import type { RunResult } from "./result.ts";
import { runOn } from "./run.ts";

/** A thread of the crew: takes scenario after scenario until none is left. */
const { next, ...work } = workerData as CrewWork;
const { scenarios } = work;
const say = (message: CrewMessage): void => parentPort?.postMessage(message);

for (let index = claimNext(next, scenarios.length); index !== undefined; index = claimNext(next, scenarios.length))
  try {
    const results: RunResult[] = [...runOn(scenarios[index], work)];
    say({ index, results });
  } catch (error) {
    say({ index, thrown: toMessage(error) });
  }
