import { markAsUntransferable } from "node:worker_threads";

/** Record buffers of one size, handed from engine to engine: they are large, and the garbage collector returns them late. */
export class BufferPool {
  readonly #words: number;
  readonly #spare: BigUint64Array[] = [];

  constructor(words: number) {
    this.#words = words;
  }

  take(): BigUint64Array {
    const spare = this.#spare.pop();
    if (spare) return spare;
    const buffer = new ArrayBuffer(this.#words * 8);
    markAsUntransferable(buffer); // C++ keeps a pointer to it
    return new BigUint64Array(buffer);
  }

  give(buffer: BigUint64Array | undefined): void {
    if (buffer && this.#spare.length < 8) this.#spare.push(buffer);
  }
}
