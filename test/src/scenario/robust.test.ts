import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/error.ts";
import { bless } from "../../../src/scenario/bless.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { locate } from "../../../src/scenario/source-text.ts";

const sample = readFileSync(new URL("../../../scenarios/hierarchy/two-calls.yaml", import.meta.url), "utf8");
const pieces = [
  ..."{}[]:,-?|>&*!%@#'\"\\ \t\n\r0x~",
  "---\n",
  "<<: ",
  "&a ",
  "*a",
  "!!int ",
  "0x",
  "1e3",
  "null",
  "\u0000",
  "é",
  "😀",
];

/** The sample with a few pieces put in, cut out or doubled. */
const mangled = fc
  .array(fc.tuple(fc.nat(sample.length), fc.nat(12), fc.constantFrom("", ...pieces)), { minLength: 1, maxLength: 6 })
  .map((edits) => edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), sample));

describe("whatever the file says", () => {
  test("it is a scenario or a UserError with its place, on one line", () => {
    fc.assert(
      fc.property(mangled, (text) => {
        try {
          parseScenario(text, "x.yaml");
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(error.location()).toMatch(/^x\.yaml:\d+:\d+$/);
          expect(error.line).toBeLessThanOrEqual(text.split("\n").length);
          expect(error.message).not.toMatch(/undefined|NaN|\[object/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("every character of a program is found where it stands, in any style and indentation", () => {
    const line = fc.stringMatching(/^[ -~]{1,12}$/).filter((text) => /^\S.*\S$|^\S$/.test(text));
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        (lines, indent, quoted) => {
          const margin = " ".repeat(indent);
          const program = quoted
            ? JSON.stringify(lines.join("\n"))
            : `|${lines.map((content) => `\n ${margin}${content}`).join("")}`;
          const text = `title: t\nprograms:\n main: ${program}\n`;
          const { code } = parseScenario(text, "x.yaml").programs[0];
          const file = text.split("\n");
          lines.forEach((content, i) => {
            for (let column = 1; column <= content.length; column++) {
              if (content[column - 1] === " ") continue;
              const at = locate(text, code, { line: i + 1, column });
              const found = file[at.line - 1][at.column - 1];
              const escaped = quoted && found === "\\" ? file[at.line - 1][at.column] : found;
              expect(escaped).toBe(content[column - 1]);
            }
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  test("what is blessed is read back, and nothing but the value changes", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.constantFrom("r0", "tail_calls", "maps.counter.0"),
        (value, key) => {
          const text = bless({ text: sample, file: "x.yaml" }, [{ path: `expect.${key}`, value }]);
          const before = sample.split("\n");
          const changed = text.split("\n").filter((line, i) => line !== before[i]);
          expect(changed.length).toBeLessThanOrEqual(1);
          expect(changed.every((line) => line.includes(String(value)))).toBe(true);
          parseScenario(text, "x.yaml");
        },
      ),
      { numRuns: 100 },
    );
  });
});
