import { Worker } from "node:worker_threads";
import { fromMessage, type ThrownMessage } from "../runner/crossing.ts";
import type { BatchResult, CampaignSettings } from "./batch.ts";

/** What a thread is started with. */
export interface FuzzWork {
  settings: CampaignSettings;
  batches: { from: number; programs: number }[];
  /** [0]: the next batch that nobody has taken */
  next: Int32Array;
}

export type FuzzMessage = { batch: number } & ({ result: BatchResult } | { thrown: ThrownMessage });

/** Threads that take batch after batch; this one puts what they say in order. */
export class FuzzCrew {
  readonly #work: FuzzWork;
  readonly #workers: Worker[];
  readonly #done = new Map<number, BatchResult>();
  #failure: { error: unknown } | undefined;
  #wake = (): void => {};

  constructor(file: string, threads: number, settings: CampaignSettings, batches: FuzzWork["batches"]) {
    const { seed, profiles, strict, verifyEvery } = settings;
    const next = new Int32Array(new SharedArrayBuffer(4));
    this.#work = { settings: { seed, profiles, strict, verifyEvery }, batches, next };
    this.#workers = Array.from({ length: threads }, () => this.#start(file));
  }

  #start(file: string): Worker {
    const worker = new Worker(file, { workerData: this.#work });
    const fail = (error: unknown): void => {
      this.#failure ??= { error };
      this.#wake();
    };
    worker.on("message", (message: FuzzMessage) => {
      if ("thrown" in message) return fail(fromMessage(message.thrown));
      this.#done.set(message.batch, message.result);
      this.#wake();
    });
    worker.on("error", fail);
    return worker;
  }

  async *results(): AsyncIterable<BatchResult> {
    try {
      for (let batch = 0; batch < this.#work.batches.length; batch++) {
        while (!this.#done.has(batch)) {
          if (this.#failure) throw this.#failure.error;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        yield this.#done.get(batch)!;
        this.#done.delete(batch);
      }
    } finally {
      for (const worker of this.#workers) void worker.terminate();
    }
  }
}
