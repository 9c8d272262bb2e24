import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { profileNamed } from "../../jit/profiles/index.ts";
import { workerFile } from "../runner/crew.ts";
import type { Graph } from "./graph.ts";
import { type Found, type Part, search, together } from "./search.ts";

/** What a thread of the search is started with. */
export interface SearchWork {
  graphs: readonly Graph[];
  slots: number;
}

/** A profile and the part of the graphs to be tried on it. */
export interface SearchTask extends Part {
  profile: string;
}

/** Graphs worth a thread. */
const ENOUGH = 100;

/** Try every graph on profile after profile; several threads share the graphs of each. */
export async function* searchOn(
  profiles: readonly string[],
  graphs: readonly Graph[],
  slots: number,
  threads: number,
): AsyncIterable<Found> {
  const file = workerFile(import.meta.url, "search-worker.js");
  if (!file || threads === 1 || graphs.length < ENOUGH) {
    for (const profile of profiles) yield search(profileNamed(profile)!, graphs, slots);
    return;
  }
  const workerData: SearchWork = { graphs, slots };
  const workers = Array.from({ length: threads }, () => new Worker(file, { workerData }));
  try {
    for (const profile of profiles)
      yield together(await Promise.all(workers.map((worker, part) => ask(worker, { profile, part, of: threads }))));
  } finally {
    for (const worker of workers) void worker.terminate();
  }
}

/** once() throws what the thread throws. */
async function ask(worker: Worker, task: SearchTask): Promise<Found> {
  worker.postMessage(task);
  const [found] = await once(worker, "message");
  return found as Found;
}
