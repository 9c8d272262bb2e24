import type { Output } from "../output.ts";

/** Characters that are gathered before they are written. */
const CHUNK = 65536;

/** The trace has been seen, or nobody looks any more. */
export class Enough extends Error {}

/** Gathers text, and ends the trace when nobody reads it. */
export class Sink {
  readonly #output: Output;
  #text = "";
  /** nobody reads any more */
  isGone = false;

  constructor(output: Output) {
    this.#output = output;
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length > CHUNK) this.flush();
  }

  flush(): void {
    if (this.isGone) return;
    this.isGone = !this.#output.writeNow(this.#text);
    this.#text = "";
    if (this.isGone) throw new Enough();
  }
}
