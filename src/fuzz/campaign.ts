import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { workerFile } from "../runner/crew.ts";
import { BATCH, type BatchResult, BatchRunner, type CampaignSettings } from "./batch.ts";
import { FuzzCrew } from "./crew.ts";
import { Laboratory } from "./laboratory.ts";

export interface CampaignRequest extends CampaignSettings {
  /** numbers of the first program and of the one behind the last */
  from: number;
  to: number;
  /** how many threads */
  jobs: number;
}

/** A laboratory for the settings. Close it. Throws UserError. */
export function laboratoryFor({ profiles, strict }: CampaignSettings): Laboratory {
  const found = profiles.map((name) => {
    const profile = profileNamed(name);
    if (!profile) throw new UserError(`unknown profile "${name}"`);
    return profile;
  });
  return new Laboratory({ profiles: found, strict });
}

/** Batches of a campaign: what program number i comes to does not depend on who runs it, or when. */
export const batchesOf = ({ from, to }: { from: number; to: number }): { from: number; programs: number }[] => {
  const batches: { from: number; programs: number }[] = [];
  for (let at = from; at < to; at += BATCH) batches.push({ from: at, programs: Math.min(BATCH, to - at) });
  return batches;
};

/** Results in the order of the programs' numbers. */
export async function* campaign(request: CampaignRequest): AsyncIterable<BatchResult> {
  const batches = batchesOf(request);
  const file = request.jobs > 1 ? workerFile(import.meta.url, "fuzz-worker.js") : undefined;
  const threads = Math.min(request.jobs, batches.length);
  if (file && threads > 1) return yield* new FuzzCrew(file, threads, request, batches).results();
  const laboratory = laboratoryFor(request);
  try {
    const runner = new BatchRunner(request, laboratory);
    for (const { from, programs } of batches) {
      yield runner.run(from, programs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    laboratory.close();
  }
}
