import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { type OpenCapture, openCapture } from "../../../../src/import/capture/open.ts";

/** See README.md there. */
export const FIXTURES = fileURLToPath(new URL("../../../fixtures/captures", import.meta.url));

export const fixture = (variant: string): string => join(FIXTURES, `${variant}.jsonl.br`);

const opened = new Map<string, OpenCapture>();

/** A captured kernel of the fixtures, read once. */
export function openFixture(variant: string): OpenCapture {
  const found = opened.get(variant) ?? openCapture(fixture(variant));
  opened.set(variant, found);
  return found;
}

/** The record of a set, and the programs it was made from. */
export function setOf({ capture }: OpenCapture, name: string) {
  const record = capture.records.find(({ set }) => set === name);
  const source = capture.programs.get(name);
  if (!record || !source) throw new Error(`${capture.variant} has no ${name}`);
  return { record, source };
}

const unpacked = new Map<string, string>();

function text(name: string): string {
  const found = unpacked.get(name) ?? brotliDecompressSync(readFileSync(join(FIXTURES, name))).toString();
  unpacked.set(name, found);
  return found;
}

/** A folder with a capture of a few sets in plain text, to be changed by hand. */
export function smallCapture(folder: string, variant: string, sets: string[]): void {
  const only = (name: string) =>
    text(name)
      .split("\n")
      .filter((line) => sets.some((set) => line.startsWith(`{"set":"${set}"`) || line.startsWith(`{"set": "${set}"`)))
      .map((line) => `${line}\n`)
      .join("");
  writeFileSync(join(folder, "programs.jsonl"), only("programs.jsonl.br"));
  writeFileSync(join(folder, `${variant}.jsonl`), only(`${variant}.jsonl.br`));
  writeFileSync(join(folder, `${variant}.kernel.json`), text(`${variant}.kernel.json.br`));
}
