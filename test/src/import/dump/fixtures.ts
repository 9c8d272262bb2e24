import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { parseDump } from "../../../../src/import/dump/read.ts";

/** A file of test/fixtures/dumps. */
export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/dumps/${name}`, import.meta.url));

export const fixtureText = (name: string): string => fixture(name).toString();

/** A dump's text, or bytes, read as a file called `dump`. */
export const parse = (content: string | Uint8Array, at?: bigint) =>
  parseDump(typeof content === "string" ? Buffer.from(content) : content, "dump", at === undefined ? {} : { at });

/** The one line that the command line would print of it. */
export function refusal(content: string | Uint8Array, at?: bigint): string {
  try {
    parse(content, at);
  } catch (error) {
    if (error instanceof UserError) return `${error.location()}: ${error.message}`;
    throw error;
  }
  return expect.fail("it was accepted");
}

/** Bytes of the fixtures' functions as hex. */
export const ENTRY = hexOf("entry");
export const SUBPROG = hexOf("subprog_tail");

function hexOf(name: string): string {
  const text = fixtureText("hierarchy.jited.txt");
  const [, body] = new RegExp(`_${name}:\n((?:.+\n)+)`).exec(text)!;
  return [...body.matchAll(/^\t(.*)$/gm)].map(([, bytes]) => bytes.replaceAll(" ", "")).join("");
}
