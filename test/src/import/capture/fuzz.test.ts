import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { compareSet } from "../../../../src/import/capture/compare.ts";
import { openCapture } from "../../../../src/import/capture/open.ts";
import { replaySet } from "../../../../src/import/capture/replay.ts";
import { smallCapture } from "./fixtures.ts";

const VARIANT = "x86_64-6.12-default";
const folder = mkdtempSync(join(tmpdir(), "jitproof-flip-"));
const file = join(folder, `${VARIANT}.jsonl`);
afterAll(() => rmSync(folder, { recursive: true }));
smallCapture(folder, VARIANT, ["tailcall.d_both_8_0"]);

const FILES = [file, join(folder, "programs.jsonl"), join(folder, `${VARIANT}.kernel.json`)].map((path) => ({
  path,
  bytes: readFileSync(path),
}));

/** Numbers below `below`, the same every time (xorshift32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** What becomes of the capture: a complaint with its place, or how many functions and runs differ. */
function outcome(replayed: boolean): string {
  try {
    const { capture, kernel, machine } = openCapture(file);
    return capture.records
      .map((record) => {
        const { functions } = compareSet(kernel, record, capture.programs.get(record.set)!);
        const runs = replayed ? [...replaySet(capture, kernel, record, { ...machine, bytes: "captured" })] : [];
        return `${functions.length} ${runs.map(({ status }) => status)}`;
      })
      .join("; ");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.file?.startsWith(folder)).toBe(true);
    expect(error.line ?? 1).toBeGreaterThanOrEqual(1);
    expect(error.message).not.toMatch(/\n|undefined is|NaN|\[object/);
    return "complaint";
  }
}

test.each([1, 2, 3, 4])(
  "one flipped bit anywhere is a complaint with its place, or a verdict: 500 times, seed %i",
  (seed) => {
    const random = dice(20240712 * seed);
    let complaints = 0;
    for (let i = 0; i < 500; i++) {
      const { path, bytes } = FILES[[0, 0, 1, 1, 2][random(5)]];
      const at = random(bytes.length);
      const flipped = Buffer.from(bytes);
      flipped[at] ^= 1 << random(8);
      writeFileSync(path, flipped);
      try {
        if (outcome(i % 20 === 0) === "complaint") complaints++;
      } catch (error) {
        throw new Error(`${path}, byte ${at} = ${flipped[at]}`, { cause: error });
      }
      writeFileSync(path, bytes);
    }
    expect(complaints).toBeGreaterThan(100);
    expect(complaints).toBeLessThan(400);
  },
  240_000,
);
