import type { Worker } from "node:worker_threads";
import { claimNext, workerFile } from "../runner/crew.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { huntSite } from "./hunt.ts";
import type { MutantResult } from "./mutant.ts";
import { type Survey, survey } from "./survey.ts";

export interface HuntRequest {
  scenarios: Scenario[];
  /** names, see profileNames() */
  profiles: string[];
  /** only mutants whose name matches */
  filter?: RegExp;
  /** how many run at once, at least 1 */
  jobs: number;
}

/** What a thread is started with. */
export interface HuntWork extends Pick<HuntRequest, "scenarios" | "filter"> {
  profile: string;
  /** [0]: index of the next site that nobody has taken */
  next: Int32Array;
}

export type HuntMessage = { index: number; results: MutantResult[] } | { error: string };

/** Every mutant of every profile, in the order of the sites' names. `told`: how many are done, of how many. */
export async function hunt(request: HuntRequest, told: (done: number, of: number) => void): Promise<MutantResult[]> {
  const results: MutantResult[] = [];
  for (const profile of request.profiles) results.push(...(await huntOn(profile, request, told)));
  return results;
}

async function huntOn(
  profile: string,
  { scenarios, filter, jobs }: HuntRequest,
  told: (done: number, of: number) => void,
): Promise<MutantResult[]> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const all: Survey = survey(profile, scenarios, filter);
  const { sites } = all;
  const total = sites.reduce((sum, [, faults]) => sum + faults.length, 0);
  const bySite: MutantResult[][] = [];
  let done = 0;
  const keep = (index: number, results: MutantResult[]): void => {
    bySite[index] = results;
    done += results.length;
    told(done, total);
  };
  const threads = await startThreads(Math.min(jobs - 1, sites.length), { profile, scenarios, filter, next }, keep);
  try {
    for (let i = claimNext(next, sites.length); i !== undefined; i = claimNext(next, sites.length)) {
      keep(i, huntSite(sites[i][1], all));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(threads.map(({ finished }) => finished));
  } finally {
    for (const { worker } of threads) void worker.terminate();
  }
  return bySite.flat();
}

interface Thread {
  worker: Worker;
  /** it has nothing left to do; rejects with what went wrong */
  finished: Promise<void>;
}

async function startThreads(
  count: number,
  workerData: HuntWork,
  keep: (index: number, results: MutantResult[]) => void,
): Promise<Thread[]> {
  const file = count > 0 ? workerFile(import.meta.url, "mutant-worker.js") : undefined;
  if (!file) return [];
  const { Worker } = await import("node:worker_threads");
  return Array.from({ length: count }, () => {
    const worker = new Worker(file, { workerData });
    const finished = new Promise<void>((resolve, reject) => {
      worker.on("message", (message: HuntMessage) => {
        if ("error" in message) reject(new Error(message.error));
        else keep(message.index, message.results);
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
    finished.catch(() => {});
    return { worker, finished };
  });
}
