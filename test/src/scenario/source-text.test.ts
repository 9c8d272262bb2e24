import { describe, expect, test } from "vitest";
import { parseScenario } from "../../../src/scenario/load.ts";
import { programError } from "../../../src/scenario/program-error.ts";
import { locate } from "../../../src/scenario/source-text.ts";

/** Each style of YAML text for the same three lines of assembly: `bad` is where the assembler stops. */
const styles: Record<string, string> = {
  "a literal block": "  main: |\n    r0 = 0\n      bad r1\n    exit\n",
  "a literal block, far in, without the last line break":
    "  main:   |-\n            r0 = 0\n              bad r1\n            exit\n",
  "a literal block with a comment behind its header": "  main: | # why\n    r0 = 0\n      bad r1\n    exit\n",
  "a literal block with its indentation given": "  main: |2\n      r0 = 0\n        bad r1\n      exit\n",
  "a literal block after an anchor and a tag": "  main: &m !!str |\n    r0 = 0\n      bad r1\n    exit\n",
  "a literal block with blank lines": "  main: |\n\n    r0 = 0\n\n      bad r1\n    exit\n",
  "a folded block": "  main: >\n    r0 = 0\n\n      bad r1\n\n    exit\n",
  "plain text on two lines": "  main: r0 = 0\n\n    bad r1\n",
  "double quotes with escapes": '  main: "r0 = 0\\n  bad r1\\nexit"\n',
  "double quotes with escapes of other characters": '  main: "\\u2192 \\x41 \\U0001F600 \\"r0\\n  bad r1"\n',
  "double quotes over lines": '  main: "r0 = 0;\n\n    \\  bad \\\n    r1"\n',
  "single quotes over lines": "  main: 'it''s ''r0'' = 0\n\n    bad r1'\n",
  "a mapping's code": "  main:\n    type: xdp\n    code: |\n      r0 = 0\n        bad r1\n",
  "a flow mapping": '  main: { type: xdp, code: "r0 = 0\\n bad" }\n',
  CRLF: "  main: |\r\n    r0 = 0\r\n      bad r1\r\n    exit\r\n",
};

describe("a place in a program's text is found in the file", () => {
  test.each(Object.entries(styles))("%s", (_, program) => {
    const text = `title: t\nprograms:\n${program}`;
    const { code } = parseScenario(text, "x.yaml").programs[0];
    const lines = code.text.split("\n");
    const line = lines.findIndex((content) => content.includes("bad")) + 1;
    const found = locate(text, code, { line, column: lines[line - 1].indexOf("bad") + 1 });
    const fileLines = text.split("\n");
    const fileLine = fileLines.findIndex((content) => content.includes("bad")) + 1;
    expect(found).toEqual({ line: fileLine, column: fileLines[fileLine - 1].indexOf("bad") + 1 });
  });

  test("every character of a literal block, and the end of each line", () => {
    const text = "title: t\nprograms:\n  main: |\n    a b\n      c\n\n    d\n";
    const { code } = parseScenario(text, "x.yaml").programs[0];
    const at = (line: number, column: number) => Object.values(locate(text, code, { line, column })).join(":");
    expect([at(1, 1), at(1, 2), at(1, 3), at(1, 4), at(2, 3), at(2, 4), at(3, 1), at(4, 1)]).toEqual([
      "4:5",
      "4:6",
      "4:7",
      "4:8",
      "5:7",
      "5:8",
      "6:1",
      "7:5",
    ]);
  });

  test("a place beyond the text is its end", () => {
    const text = "title: t\nprograms:\n  main: |\n    exit\n";
    const { code } = parseScenario(text, "x.yaml").programs[0];
    expect(locate(text, code, { line: 9, column: 1 }).line).toBeLessThanOrEqual(5);
    expect(locate(text, code, { line: 1, column: 99 })).toEqual({ line: 4, column: 9 });
  });

  test("an assembler's error becomes the file's", () => {
    const scenario = parseScenario("title: t\nprograms:\n  main: |\n    r0 = 0\n    exti\n", "x.yaml");
    const error = programError(scenario, scenario.programs[0], {
      line: 2,
      column: 1,
      message: "2:1: expected a statement",
    });
    expect(`${error.location()}: ${error.message}`).toBe("x.yaml:5:5: expected a statement");
  });
});
