import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AsmError } from "../../../../bpf/asm/error.ts";
import { assembleClassic } from "../../../../bpf/classic/asm/assemble.ts";
import { checkClassic } from "../../../../bpf/classic/check.ts";
import { convertClassic } from "../../../../bpf/classic/convert.ts";
import { ClassicError } from "../../../../bpf/classic/error.ts";
import { decodeClassic } from "../../../../bpf/classic/insn.ts";
import { kernels } from "../../../../bpf/verifier/index.ts";
import { parseVector } from "../../../../src/conformance/vector/parse.ts";
import { UserError } from "../../../../src/error.ts";
import { parseDataFile } from "../../../../src/import/conformance/data-file.ts";
import { codeOfElf } from "../../../../src/import/conformance/elf.ts";
import { elfOf } from "../../conformance/elf.ts";

const FIXTURES = new URL("../../../fixtures/conformance", import.meta.url).pathname;
const RUNS = { numRuns: 10_000, seed: 20261120 };

/** Bytes overwritten, inserted, taken out, and the end cut off. */
const mutated = (sources: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      source: fc.constantFrom(...sources),
      edits: fc.array(fc.record({ at: fc.nat(1 << 16), byte: fc.nat(255), kind: fc.nat(3) }), {
        minLength: 1,
        maxLength: 6,
      }),
    })
    .map(({ source, edits }) => {
      let bytes = [...source];
      for (const { at, byte, kind } of edits) {
        const here = at % (bytes.length + 1);
        if (kind === 0) bytes[here] = byte;
        else if (kind === 1) bytes.splice(here, 0, byte);
        else if (kind === 2) bytes.splice(here, 1 + (byte % 8));
        else if (byte < 32) bytes = bytes.slice(0, here);
      }
      return Uint8Array.from(bytes);
    });

/** Either it is fine, or it is one of these errors with a place. */
function survives(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError || error instanceof AsmError) {
      expect(error.message).not.toContain("undefined");
      expect(error.line ?? 1).toBeGreaterThan(0);
    } else if (error instanceof ClassicError) expect(error.slot).toBeGreaterThanOrEqual(0);
    else throw error;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

describe("10,000 damaged inputs end in a result or in one line", () => {
  test("lines of a vector file", () => {
    const lines = readFileSync(join(FIXTURES, "vectors.jsonl"), "utf8").trimEnd().split("\n").map(bytesOf);
    fc.assert(
      fc.property(mutated(lines), (bytes) => survives(() => parseVector(textOf(bytes), { file: "f", line: 1 }))),
      RUNS,
    );
  });

  test("test files of bpf_conformance and ubpf", () => {
    const names = readdirSync(join(FIXTURES, "data"), { recursive: true, encoding: "utf8" });
    const files = names
      .filter((name) => name.endsWith(".data"))
      .map((name) => readFileSync(join(FIXTURES, "data", name)));
    fc.assert(
      fc.property(mutated(files), (bytes) => survives(() => parseDataFile(textOf(bytes), "f", () => ""))),
      RUNS,
    );
  });

  test("classic assembly", () => {
    const text =
      "start: ldh [12]\njeq #0x800, yes, no\nyes: ldxb 4*([14]&0xf)\nld [x + 4] ; four\nst M[3]\nadd x\nret a\nno: ret #-1";
    fc.assert(
      fc.property(mutated([bytesOf(text)]), (bytes) => survives(() => assembleClassic(textOf(bytes)))),
      RUNS,
    );
  });

  test("classic filters: refused, or converted", () => {
    const lines = readFileSync(join(FIXTURES, "vectors.jsonl"), "utf8").trimEnd().split("\n");
    const filters = lines.map((line) => JSON.parse(line)).filter(({ language }) => language === "cbpf");
    const sources = filters.map(({ insns }) => Uint8Array.from(Buffer.from(insns, "hex")));
    fc.assert(
      fc.property(mutated(sources), (bytes) =>
        survives(() => {
          const filter = decodeClassic(bytes.subarray(0, bytes.length & ~7));
          checkClassic(filter);
          convertClassic(filter, kernels["linux-6.12"]);
        }),
      ),
      RUNS,
    );
  });

  test("ELF objects", () => {
    const object = elfOf(Uint8Array.from(Buffer.from("b7000000010000009500000000000000", "hex")));
    fc.assert(
      fc.property(mutated([object]), (bytes) => survives(() => codeOfElf(bytes))),
      RUNS,
    );
  });
});
