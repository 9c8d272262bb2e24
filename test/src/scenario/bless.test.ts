import { describe, expect, test } from "vitest";
import { bless, type Change } from "../../../src/scenario/bless.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const head = "title: t\nprograms: { main: exit }\nmaps: { m: { type: array, value_size: 8, max_entries: 9 } }\n";

/** The lines after the head, blessed; the result is a scenario again. */
function blessed(body: string, ...changes: Change[]): string {
  const text = head + body;
  const result = bless({ text, file: "x.yaml" }, changes);
  parseScenario(result, "x.yaml");
  expect(result.startsWith(head)).toBe(true);
  return result.slice(head.length);
}

describe("bless changes a value and nothing else", () => {
  test("comments, order, alignment and blank lines stay", () => {
    const body = `
expect:            # what must hold
  r0:   1          # the return value

  # the limit
  tail_calls: 33   # MAX_TAIL_CALL_CNT
  maps: { m: { 0: 34,   1: 2 } }  # per call
`;
    expect(
      blessed(body, { path: "expect.tail_calls", value: 17179869182n }, { path: "expect.maps.m.1", value: "7" }),
    ).toBe(body.replace("33 ", "17179869182 ").replace("1: 2", "1: 7"));
  });

  test.each([
    ["r0: 0x1f", 255n, "r0: 0xff"],
    ["r0: 0x001F", 0xabn, "r0: 0x00AB"],
    ["r0: -2", 2n ** 64n - 1n, "r0: -1"],
    ["r0: 5", 2n ** 64n - 1n, "r0: 18446744073709551615"],
  ])("%s becomes %s in the same base", (before, value, after) => {
    expect(blessed(`expect: { ${before} }\n`, { path: "expect.r0", value })).toBe(`expect: { ${after} }\n`);
  });

  test("bytes and words keep their form", () => {
    const body = "expect: { maps: { m: { 0: 00 00 00 00 00 00 00 01, 1: [1, 2] } } }\n";
    expect(
      blessed(
        body,
        { path: "expect.maps.m.0", value: "00 00 00 00 00 00 00 ff" },
        { path: "expect.maps.m.1", value: [3n, 4n] },
      ),
    ).toBe("expect: { maps: { m: { 0: 00 00 00 00 00 00 00 ff, 1: [3, 4] } } }\n");
  });

  test("a block keeps its indentation and header, what follows stays apart", () => {
    const body = "expect:\n  jited:\n    linux-6.12:\n      main: |   # selftests' dialect\n          old\n\n  r0: 1\n";
    const value = "  pushq %rbp\nL0: retq\n\n  x";
    expect(blessed(body, { path: "expect.jited.linux-6.12.main", value })).toBe(
      "expect:\n  jited:\n    linux-6.12:\n      main: |4   # selftests' dialect\n            pushq %rbp\n          L0: retq\n\n            x\n\n  r0: 1\n",
    );
  });

  test("a line of text becomes a block when it needs one, a quoted string inside braces", () => {
    expect(
      blessed("expect:\n  xlated:\n    main: old\n  r0: 1\n", { path: "expect.xlated.main", value: "a\nb\n" }),
    ).toBe("expect:\n  xlated:\n    main: |\n      a\n      b\n  r0: 1\n");
    expect(blessed("expect: { xlated: { main: old } }\n", { path: "expect.xlated.main", value: "a: b\n" })).toBe(
      'expect: { xlated: { main: "a: b\\n" } }\n',
    );
  });

  test("a list in either form", () => {
    const value = ["fault", "tail-call-limit"];
    const path = "breaks.linux-6.1.checks";
    expect(blessed("breaks: { linux-6.1: { checks: [poke] } }\n", { path, value })).toBe(
      "breaks: { linux-6.1: { checks: [fault, tail-call-limit] } }\n",
    );
    expect(blessed("breaks:\n  linux-6.1:\n    checks:\n      - poke # x\n    r0: 1\n", { path, value })).toBe(
      "breaks:\n  linux-6.1:\n    checks:\n      - fault\n      - tail-call-limit # x\n    r0: 1\n",
    );
  });

  test("within steps", () => {
    const body = "steps:\n  - { run: main, expect: { r0: 0 } }\n  - { run: main, expect: { r0: 0 } } # again\n";
    expect(blessed(body, { path: "steps.1.expect.r0", value: 4n })).toBe(body.replace("0 } } #", "4 } } #"));
  });
});

describe("what is not in the file yet is added", () => {
  test.each([
    [
      "to a block",
      "expect:\n  r0: 1 # one\nbreaks: {}\n",
      "expect.tail_calls",
      "expect:\n  r0: 1 # one\n  tail_calls: 2\nbreaks: {}\n",
    ],
    ["to braces", "expect: { r0: 1 }\n", "expect.tail_calls", "expect: { r0: 1, tail_calls: 2 }\n"],
    ["to empty braces", "expect: {}\n", "expect.tail_calls", "expect: { tail_calls: 2 }\n"],
    ["with what leads there", "expect:\n  r0: 1\n", "expect.maps.m.0", "expect:\n  r0: 1\n  maps: { m: { 0: 2 } }\n"],
    ["at the end", "", "expect.r0", "\nexpect:\n  r0: 2\n"],
    [
      "above breaks and its comment",
      "# why\nbreaks:\n  linux-6.1: { r0: 1 }\n",
      "expect.r0",
      "expect:\n  r0: 2\n\n# why\nbreaks:\n  linux-6.1: { r0: 1 }\n",
    ],
    [
      "for a profile with a dot",
      "breaks:\n  linux-6.12: { r0: 1 }\n",
      "breaks.linux-6.1.tail_calls",
      "breaks:\n  linux-6.12: { r0: 1 }\n  linux-6.1: { tail_calls: 2 }\n",
    ],
    ["for the first profile", "", "breaks.linux-6.1.tail_calls", "\nbreaks:\n  linux-6.1: { tail_calls: 2 }\n"],
  ])("%s", (_, body, path, after) => {
    expect(blessed(body, { path, value: 2n })).toBe(after);
  });

  test("keys one by one where dots are ambiguous", () => {
    expect(blessed("", { path: ["expect", "jited", "linux-6.1", "main"], value: "retq" })).toBe(
      "\nexpect:\n  jited: { linux-6.1: { main: retq } }\n",
    );
  });
});

describe("null removes an expectation", () => {
  const body =
    "expect:\n  r0: 1\n  tail_calls: 2 # x\n  maps: { m: { 0: 1, 1: 2 } }\nbreaks:\n  linux-6.1: { r0: 1 }\n";
  test.each([
    ["a line", "expect.tail_calls", "  tail_calls: 2 # x\n", ""],
    ["the first in braces", "expect.maps.m.0", "0: 1, ", ""],
    ["the last in braces", "expect.maps.m.1", ", 1: 2", ""],
    ["with the mappings it leaves empty", "breaks.linux-6.1.r0", "breaks:\n  linux-6.1: { r0: 1 }\n", ""],
    ["nothing, when there is nothing", "expect.max_stack", "", ""],
  ])("%s", (_, path, from, to) => {
    expect(blessed(body, { path, value: null })).toBe(body.replace(from, to));
  });
});
