import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { fromMessage, type ThrownMessage } from "./crossing.ts";
import type { RunResult } from "./result.ts";
import type { RunRequest } from "./run.ts";

/** What a thread of the crew is started with. */
export interface CrewWork extends Pick<RunRequest, "scenarios" | "profiles" | "own" | "offsets"> {
  /** [0]: index of the next scenario that nobody has taken */
  next: Int32Array;
}

/** What a thread of the crew has to say of scenario `index`. */
export type CrewMessage = { index: number } & ({ results: RunResult[] } | { thrown: ThrownMessage });

/** The program of a thread (a file of the bundle, by default of those that run scenarios), where this code is bundled: it cannot be started from TypeScript. */
export function workerFile(from: string = import.meta.url, name = "worker.js"): string | undefined {
  if (from.endsWith(".ts")) return undefined;
  const folder = dirname(fileURLToPath(from));
  return [folder, dirname(folder)].map((place) => join(place, name)).find((file) => existsSync(file));
}

/** Takes the next scenario that nobody has taken yet; undefined: there is none left. */
export function claimNext(next: Int32Array, scenarios: number): number | undefined {
  const index = Atomics.add(next, 0, 1);
  return index < scenarios ? index : undefined;
}

/** Threads that run scenarios beside this one, and everybody's results. */
export class Crew {
  readonly #next = new Int32Array(new SharedArrayBuffer(4));
  readonly #scenarios: number;
  readonly #done: (RunResult[] | { error: unknown } | undefined)[] = [];
  readonly #workers: Worker[];
  #wake = (): void => {};
  #failure: { error: unknown } | undefined;

  constructor(file: string, threads: number, { scenarios, profiles, own, offsets }: RunRequest) {
    this.#scenarios = scenarios.length;
    const workerData: CrewWork = { scenarios, profiles, own, offsets, next: this.#next };
    this.#workers = Array.from({ length: threads }, () => this.#start(file, workerData));
  }

  #start(file: string, workerData: CrewWork): Worker {
    const worker = new Worker(file, { workerData });
    worker.on("message", (message: CrewMessage) => {
      this.#done[message.index] = "results" in message ? message.results : { error: fromMessage(message.thrown) };
      this.#wake();
    });
    worker.on("error", (error) => {
      this.#failure ??= { error };
      this.#wake();
    });
    return worker;
  }

  /** A scenario for this thread to run, as long as it has nothing to hand out: results of scenario `wanted` are not there yet. */
  claim(wanted: number): number | undefined {
    return this.#done[wanted] || this.#failure ? undefined : claimNext(this.#next, this.#scenarios);
  }

  /** Run a scenario that claim() gave, keeping what comes of it. */
  attempt(index: number, run: () => RunResult[]): void {
    try {
      this.#done[index] = run();
    } catch (error) {
      this.#done[index] = { error };
    }
  }

  /** Let messages of the others come in. */
  messages(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Results of scenario `index`, when they are there. Throws what running it threw. */
  async results(index: number): Promise<RunResult[]> {
    while (!this.#done[index] && !this.#failure)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const done = this.#done[index] ?? this.#failure!;
    this.#done[index] = undefined;
    if (Array.isArray(done)) return done;
    throw done.error;
  }

  /** Nobody takes another scenario. */
  dismiss(): void {
    Atomics.store(this.#next, 0, this.#scenarios);
    for (const worker of this.#workers) void worker.terminate();
  }
}
