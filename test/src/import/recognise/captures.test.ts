import { describe, expect, test } from "vitest";
import { compileCaptured } from "../../../../src/import/capture/compile.ts";
import { openCapture } from "../../../../src/import/capture/open.ts";
import { sourceSet } from "../../../../src/import/capture/source.ts";
import { findFunctions } from "../../../../src/import/recognise/functions.ts";
import { recogniseKernel } from "../../../../src/import/recognise/profiles.ts";
import { imageOf, recognise } from "../../../../src/import/recognise/recognise.ts";

const fixture = (name: string): string =>
  new URL(`../../../fixtures/captures/${name}.jsonl.br`, import.meta.url).pathname;
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
/** Every so many sets: each costs a compilation. */
const EVERY = 60;
const FILL = 7;

/** Names of what an image says of its bytes, for both who wrote them and who only reads them. */
const points = (image: ReturnType<typeof imageOf>, pokes: (number | undefined)[][]) => ({
  entry: image.entry,
  patchSite: image.patchSite,
  landing: image.landing,
  body: image.body,
  epilogue: image.epilogue,
  tailCalls: image.tailCalls.map(({ kind, start, out }) => `${kind} ${start} ${out}`),
  pokes,
});

describe.each([
  ["x86_64-6.1-default", "5.17 to 6.11", "linux-6.1"],
  ["x86_64-6.12-stuff", "6.12 and later", "linux-6.12"],
  ["x86_64-7.2-zen2", "6.12 and later", "linux-7.2"],
])("%s", (variant, releases, profile) => {
  const { capture, kernel } = openCapture(fixture(variant));
  const sets = capture.records
    .filter((record, i) => i % EVERY === 0 || (i % 7 === 0 && /^(tailcall|privstack)$/.test(record.family)))
    .map((record) => ({ record, set: sourceSet(capture.programs.get(record.set)!) }));
  const programs = sets.flatMap(({ record, set }) =>
    record.progs.map(({ name, funcs }, index) => ({
      name: `${record.set} ${name}`,
      compile: () => compileCaptured(kernel, set, record, index).images,
      found: funcs.map(({ addr, hex, hex_final }, i) =>
        recognise(`${name}#${i}`, BigInt(`0x${addr}`), fromHex(hex_final ?? hex)),
      ),
    })),
  );

  test("recognises what the emitter knows: entry, patch site, landing, body, epilogue, tail calls, patch sites of those", () => {
    for (const { name, found, compile } of programs) {
      const images = compile();
      const theirs = found.map((fn) => {
        const direct = fn.tailCalls.filter(({ kind }) => kind === "direct");
        return points(
          imageOf(fn),
          direct.map(({ bypass, target }) => [bypass, target]),
        );
      });
      const ours = images.slice(0, found.length).map((image) =>
        points(
          image,
          image.pokes.map(({ bypass, target }) => [bypass, target]),
        ),
      );
      expect(theirs, name).toEqual(ours);
    }
    expect(programs.length).toBeGreaterThan(20);
  });

  test("functions are kept apart in a pack of them", () => {
    for (const { name, found } of programs) {
      const starts: number[] = [];
      const pack: number[] = [];
      for (const { bytes } of found) {
        starts.push(pack.length);
        pack.push(...bytes, ...new Array(FILL).fill(0xcc));
      }
      expect(findFunctions(Uint8Array.from(pack)), name).toEqual(starts);
    }
  });

  test("the kernel, by its prologue, its comparison of the count, and its per-CPU variables", () => {
    const all = programs.flatMap(({ found }) => found);
    const known = recogniseKernel(all);
    expect(known?.releases).toBe(releases);
    expect(known?.profiles.map(({ name }) => name)).toContain(profile);
  });
});
