import { parentPort, workerData } from "node:worker_threads";
import { claimNext } from "../runner/crew.ts";
import { toMessage } from "../runner/crossing.ts";
import { BatchRunner } from "./batch.ts";
import { laboratoryFor } from "./campaign.ts";
import type { FuzzMessage, FuzzWork } from "./crew.ts";

/** A thread of the crew: takes batch after batch until none is left. */
const { settings, batches, next } = workerData as FuzzWork;
const say = (message: FuzzMessage): void => parentPort?.postMessage(message);

let batch = 0;
try {
  const runner = new BatchRunner(settings, laboratoryFor(settings));
  for (let taken = claimNext(next, batches.length); taken !== undefined; taken = claimNext(next, batches.length)) {
    batch = taken;
    const { from, programs } = batches[taken];
    say({ batch, result: runner.run(from, programs) });
  }
} catch (error) {
  say({ batch, thrown: toMessage(error) });
}
