import { closeSync, openSync, writeSync } from "node:fs";
import picocolors from "picocolors";
import { UserError } from "../error.ts";
import type { ReportOptions } from "../report/report.ts";
import type { Progress } from "./progress.ts";

/** Where a report goes. It is opened before the work begins, so that a wrong --output costs nothing. */
export class Output {
  readonly color: boolean;
  readonly width: number;
  readonly #fd: number | undefined;
  readonly #file: string;

  constructor(file: string | undefined, colorOption: boolean) {
    this.#file = file ?? "stdout";
    this.#fd = file === undefined ? undefined : open(file);
    this.color = wantsColor(colorOption, file === undefined && process.stdout.isTTY === true);
    this.width = (file === undefined && process.stdout.columns) || 80;
  }

  /** What a reporter needs. The progress line makes room for each piece of the report. */
  reportOptions(progress?: Progress): ReportOptions {
    const start = performance.now();
    const stepSummary = process.env.GITHUB_STEP_SUMMARY;
    return {
      write: (text) => {
        progress?.clear();
        this.write(text);
      },
      colors: picocolors.createColors(this.color),
      elapsed: () => performance.now() - start,
      width: this.width,
      ...(stepSummary ? { stepSummary } : {}),
    };
  }

  write(text: string | Uint8Array): void {
    if (this.#fd === undefined) process.stdout.write(text);
    else
      try {
        const bytes = typeof text === "string" ? Buffer.from(text) : text;
        for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
      } catch (error) {
        throw new UserError(`cannot write: ${(error as Error).message}`, { file: this.#file }, { cause: error });
      }
  }

  /**
   * Write at once, waiting for whoever reads: what a long synchronous run tells must not gather in memory. False: nobody reads any
   * more. Not to be mixed with write().
   */
  writeNow(text: string): boolean {
    if (this.#fd !== undefined) this.write(text);
    else
      try {
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; ) at += writeOrWait(bytes, at);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") return false;
        throw new UserError(`cannot write: ${message}`, { file: this.#file }, { cause: error });
      }
    return true;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

const STDOUT = 1;
const WAIT_MS = 2;

/** Bytes of stdout written; 0 when its pipe was full, and still may be. */
function writeOrWait(bytes: Uint8Array, at: number): number {
  try {
    return writeSync(STDOUT, bytes, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    return 0;
  }
}

function open(file: string): number {
  try {
    return openSync(file, "w");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "its folder does not exist", EISDIR: "it is a folder", EACCES: "no permission" }[code ?? ""];
    throw new UserError(`cannot be written: ${why ?? message}`, { file }, { cause: error });
  }
}

/** --no-color and NO_COLOR before FORCE_COLOR before what the stream is (no-color.org, force-color.org). */
export function wantsColor(option: boolean, isTerminal: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  if (!option || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return isTerminal && env.TERM !== "dumb";
}
