import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { UserError, type Where } from "../../error.ts";
import type { ConformanceResult } from "../result.ts";
import { runLine, type VectorSettings } from "./line.ts";

export interface Task {
  bytes: Uint8Array;
  file: string;
  line: number;
}

/** What a worker says to a task. */
export interface Answer {
  results?: ConformanceResult[];
  userError?: { message: string; where: Where };
  bug?: { message: string; stack?: string };
}

export const isTask = (value: unknown): value is Task =>
  typeof value === "object" && value !== null && (value as Task).bytes instanceof Uint8Array;

/** Runs vector lines, on this thread or on others. */
export interface Pool {
  /** how many lines may be under way without one waiting for another */
  readonly width: number;
  run(task: Task): Promise<ConformanceResult[]>;
  close(): void;
}

/** The worker's bundle, which lies in dist/ or beside this one in dist/chunks/; there is none where this runs from src/. */
function workerFile(): string | undefined {
  const candidates = ["./vector-worker.js", "../vector-worker.js"];
  return candidates.map((name) => fileURLToPath(new URL(name, import.meta.url))).find((file) => existsSync(file));
}

/** `jobs` threads; with one, and where there is no bundle to start them from, everything runs here. */
export function openPool(jobs: number, settings: VectorSettings): Pool {
  const file = workerFile();
  if (jobs <= 1 || !file) return { width: 1, run: async (task) => runLine(task.bytes, task, settings), close() {} };
  return new Threads(file, jobs, settings);
}

interface Pending {
  task: Task;
  resolve(results: ConformanceResult[]): void;
  reject(error: unknown): void;
}

class Threads implements Pool {
  readonly width: number;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: Pending[] = [];
  readonly #busy = new Map<Worker, Pending>();
  readonly #file: string;
  readonly #settings: VectorSettings;

  constructor(file: string, jobs: number, settings: VectorSettings) {
    this.#file = file;
    this.#settings = settings;
    this.width = jobs;
  }

  run(task: Task): Promise<ConformanceResult[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      if (!this.#idle.length && this.#workers.length < this.width) this.#start();
      this.#next();
    });
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }

  #start(): void {
    const worker = new Worker(this.#file, { workerData: this.#settings });
    worker.on("message", (answer: Answer) => this.#answered(worker, answer));
    worker.on("error", (error) => this.#busy.get(worker)?.reject(error));
    this.#workers.push(worker);
    this.#idle.push(worker);
  }

  #next(): void {
    while (this.#idle.length && this.#waiting.length) {
      const worker = this.#idle.pop()!;
      const pending = this.#waiting.shift()!;
      this.#busy.set(worker, pending);
      worker.postMessage(pending.task);
    }
  }

  #answered(worker: Worker, { results, userError, bug }: Answer): void {
    const pending = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#idle.push(worker);
    if (results) pending?.resolve(results);
    else if (userError) pending?.reject(new UserError(userError.message, userError.where));
    else pending?.reject(Object.assign(new Error(bug?.message), bug?.stack ? { stack: bug.stack } : {}));
    this.#next();
  }
}
