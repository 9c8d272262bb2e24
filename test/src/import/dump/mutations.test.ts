import { describe, expect, test } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { Kallsyms } from "../../../../src/import/dump/kallsyms.ts";
import { placeDump } from "../../../../src/import/dump/place.ts";
import { parseDump } from "../../../../src/import/dump/read.ts";
import { recogniseKernel } from "../../../../src/import/recognise/profiles.ts";
import { ENTRY, fixture } from "./fixtures.ts";

/** Mutated inputs for each format; JITPROOF_MUTATIONS=10000 for a long look. */
const COUNT = Number(process.env.JITPROOF_MUTATIONS ?? 300);

const FILES: [string, Uint8Array, bigint?][] = [
  ...["jited.json", "jited.txt", "xlated.json", "xlated.txt", "log", "jitdump", "kallsyms"].map(
    (name): [string, Uint8Array] => [name, fixture(`hierarchy.${name}`)],
  ),
  ["hex", Buffer.from(ENTRY.replace(/../g, "$& ")), 0xffffffffc0000758n],
  ["raw bytes", Buffer.from(ENTRY, "hex"), 0xffffffffc0000758n],
];

/** xorshift32: the same inputs every time */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

/** Flips, deletions, repetitions, cuts, and bytes that mean something to the parsers. */
function mutate(input: Uint8Array, random: Generator<number, never>): Uint8Array {
  const below = (limit: number): number => random.next().value % Math.max(1, limit);
  let bytes = Buffer.from(input);
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length);
    const size = 1 + below(40);
    const parts = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (below(7)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] ^= 1 << below(8);
        break;
      case 2:
        bytes = Buffer.concat([parts[0], parts[1].subarray(size)]);
        break;
      case 3:
        bytes = Buffer.concat([parts[0], parts[1].subarray(0, size), parts[1]]);
        break;
      case 4:
        bytes = Buffer.from(parts[0]);
        break;
      case 5:
        bytes = Buffer.concat([parts[0], Buffer.from('{[]}",:\n0x\t'.charAt(below(11))), parts[1]]);
        break;
      default:
        bytes = Buffer.concat([parts[0], Buffer.from(String(2 ** below(64))), parts[1]]);
    }
  }
  return bytes;
}

describe.each(FILES)("%s", (name, input, at) => {
  test(`${COUNT} mutated: a result, or one line that says where`, () => {
    const random = numbers(0x5eed + name.length);
    let accepted = 0;
    for (let i = 0; i < COUNT; i++) {
      const bytes = mutate(input, random);
      try {
        if (name === "kallsyms") new Kallsyms(new TextDecoder().decode(bytes), "symbols");
        else {
          const dump = parseDump(bytes, "dump", at === undefined ? {} : { at });
          if (dump.functions.length) recogniseKernel(placeDump(dump).functions);
        }
        accepted++;
      } catch (error) {
        if (!(error instanceof UserError)) throw new Error(`${name}, input ${i}: ${(error as Error).stack}`);
        expect(error.message).toMatch(/^\S[^\n]*$/);
        expect(error.location()).toMatch(/^(dump|symbols):\d+:\d+$|^dump$/);
        // what has no lines says at which byte
        if (error.line === undefined) expect(error.message).toMatch(/^the jitdump|^is binary/);
      }
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThanOrEqual(COUNT);
  });
});
