import type { RunResult } from "../runner/result.ts";

const PATIENCE = 1000;
const INTERVAL = 100;

/** One line on stderr that says how far the work is: only on a terminal, and only when it takes more than a second. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number | undefined;
  readonly #start = performance.now();
  #done = 0;
  #last = 0;
  #shown = false;

  /** `total`: how many results there will be, where that is known */
  constructor(total: number | undefined, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
  }

  /** The same results, counted. */
  async *watch<T extends RunResult>(results: AsyncIterable<T>): AsyncIterable<T> {
    const timer = this.#stream.isTTY ? setInterval(() => this.#draw("waiting"), PATIENCE).unref() : undefined;
    try {
      for await (const result of results) {
        this.#done++;
        this.#draw(`${result.scenario} on ${result.profile}`);
        yield result;
      }
    } finally {
      clearInterval(timer);
      this.clear();
    }
  }

  /** Say what is being done, for work that yields no results. */
  show(what: string): void {
    if (!this.#stream.isTTY) return;
    this.#shown = true;
    this.#stream.write(`\r\u001b[K${what.slice(0, (this.#stream.columns || 80) - 1)}`);
  }

  clear(): void {
    if (this.#shown) this.#stream.write("\r\u001b[K");
    this.#shown = false;
  }

  #draw(what: string): void {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#start < PATIENCE || now - this.#last < INTERVAL) return;
    this.#last = now;
    const count = this.#total === undefined ? this.#done : `${this.#done}/${this.#total}`;
    this.show(`${count} ${what}`);
  }
}
