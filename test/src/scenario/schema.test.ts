import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { UserError } from "../../../src/error.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { scenarioSchema } from "../../../src/scenario/schema.ts";

const file = new URL("../../../schema/scenario.schema.json", import.meta.url);
const byEditor = new Ajv({ strict: true, allowUnionTypes: true }).compile(scenarioSchema());

function byLoader(text: string): boolean {
  try {
    parseScenario(text, "x.yaml");
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

test("the schema that ships is the loader's grammar (npm run schema writes it)", () => {
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(scenarioSchema());
});

const minimal = "title: t\nprograms: { main: exit }\n";
const array = `${minimal}maps: { m: { type: array, value_size: 8, max_entries: 2 } }\n`;

const accepted = {
  "title and program": minimal,
  "the design's example": readFileSync(new URL("../../../scenarios/hierarchy/two-calls.yaml", import.meta.url), "utf8"),
  "a program of a type": "title: t\nprograms: { main: { type: xdp, code: exit } }",
  "an attached program":
    "title: t\nprograms: { a: exit, b: { attach: { type: fexit, program: a, function: a }, code: exit } }",
  "map values in every form": `${array.replace("max_entries: 2", "max_entries: 2, values: { 0: 1, 1: 01 02 03 04 05 06 07 08 }")}`,
  "words in a map": `${array.replace("max_entries: 2", "max_entries: 2, values: { 0x0: [1, 2] }")}`,
  "an absent element": `title: t\nprograms: { a: exit }\nmaps: { h: { type: hash, value_size: 4, max_entries: 1 } }\nexpect: { maps: { h: { 7: null } } }`,
  "a packet": `${minimal}context: { data: { length: 64 }, mark: -1 }`,
  "a packet in hex": `${minimal}context: { data: "4500" }`,
  arguments: `${minimal}context: { args: [1, -1, 18446744073709551615] }`,
  "all single expectations": `${minimal}expect: { r0: -1, tail_calls: 33, instructions: 4, max_stack: 64, helpers: { bpf_ktime_get_ns: 1 } }`,
  "stack pictures": `${minimal}expect: { stack: [{ at: main+0x4, picture: "| ret |" }] }`,
  code: `${minimal}expect: { xlated: { main: exit }, jited: { linux-*: { main: retq } } }`,
  steps: `${array}steps: [{ run: main, expect: { r0: 0 } }, { update: { m: { 0: 1 } } }, { delete: { m: [1] } }]`,
  breaks: `${minimal}breaks: { linux-6.1: { checks: [fault], r0: 3 }, "rfc-*": { checks: [] } }`,
  "profiles and budget": `${minimal}profiles: [linux-6.*, rfc-task-struct-v3]\nbudget: 1000\nabout: |\n  a\n  b\nsource: s`,
};

const refused = {
  "a list": "- a",
  "no title": "programs: { a: exit }",
  "an empty title": "title: ''\nprograms: { a: exit }",
  "a title of two lines": 'title: "a\\nb"\nprograms: { a: exit }',
  "no program": "title: t\nprograms: {}",
  "an empty program": "title: t\nprograms: { a: '' }",
  "a program with a space in its name": "title: t\nprograms: { a b: exit }",
  "a number as a program": "title: t\nprograms: { a: 5 }",
  "an unknown key": `${minimal}expects: {}`,
  "an unknown key in expect": `${minimal}expect: { r1: 0 }`,
  "an unknown key in a program": "title: t\nprograms: { a: { code: exit, typ: xdp } }",
  "an unknown program type": "title: t\nprograms: { a: { code: exit, type: xpd } }",
  "an unknown map type": `${minimal}maps: { m: { type: arr, value_size: 8, max_entries: 2 } }`,
  "a map without max_entries": `${minimal}maps: { m: { type: array, value_size: 8 } }`,
  "a map of no elements": `${minimal}maps: { m: { type: array, value_size: 8, max_entries: 0 } }`,
  "an index that is a word": `${array}expect: { maps: { m: { first: 1 } } }`,
  "a value that is a mapping": `${array}expect: { maps: { m: { 0: { a: 1 } } } }`,
  "an absent element at the start": `${array.replace("max_entries: 2", "max_entries: 2, values: { 0: null }")}`,
  "text for r0": `${minimal}expect: { r0: one }`,
  "a fraction": `${minimal}expect: { r0: 0.5 }`,
  "more than 64 bits": `${minimal}expect: { r0: 36893488147419103232 }`,
  "a negative count": `${minimal}expect: { tail_calls: -1 }`,
  "an unknown check": `${minimal}breaks: { linux-6.1: { checks: [tail-call] } }`,
  "a packet of odd digits": `${minimal}context: { data: "450" }`,
  "a packet of 64 KiB": `${minimal}context: { data: { length: 65536 } }`,
  "an unknown field": `${minimal}context: { marks: 1 }`,
  "a step with an unknown key": `${minimal}steps: [{ runs: main }]`,
  "no steps": `${minimal}steps: []`,
  "a budget of nothing": `${minimal}budget: 0`,
  "a profile with a space": `${minimal}profiles: [linux 6]`,
};

describe("the schema and the loader agree", () => {
  test.each(Object.entries(accepted))("both take %s", (_, text) => {
    expect([byEditor(parse(text)), byEditor.errors, byLoader(text)]).toEqual([true, null, true]);
  });
  test.each(Object.entries(refused))("both refuse %s", (_, text) => {
    expect([byEditor(parse(text)), byLoader(text)]).toEqual([false, false]);
  });
});
