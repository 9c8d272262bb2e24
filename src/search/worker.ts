import { parentPort, workerData } from "node:worker_threads";
import { profileNamed } from "../../jit/profiles/index.ts";
import type { SearchTask, SearchWork } from "./crew.ts";
import { search } from "./search.ts";

/** A thread of a search: tries its part of the graphs on the profiles that it is told. */
const { graphs, slots } = workerData as SearchWork;

parentPort?.on("message", ({ profile, ...part }: SearchTask) =>
  parentPort?.postMessage(search(profileNamed(profile)!, graphs, slots, part)),
);
