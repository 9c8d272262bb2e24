import { describe, expect, test } from "vitest";
import { applyDiff, blocksOf, commandsOf, isAsShown } from "./markdown.ts";

test("blocks have a language, perhaps a file, and the line where they begin", () => {
  expect(blocksOf("a\n```yaml my.yaml\nx: 1\n```\n```\nplain\n```\n")).toEqual([
    { language: "yaml", file: "my.yaml", text: "x: 1\n", line: 3 },
    { language: "", text: "plain\n", line: 6 },
  ]);
});

test("commands have the output below them", () => {
  const [block] = blocksOf("```console\n$ a b\nout\n\nput\n$ c\n```\n");
  expect(commandsOf(block)).toEqual([
    { command: "a b", output: "out\n\nput", line: 2 },
    { command: "c", output: "", line: 6 },
  ]);
});

describe("an output is as shown", () => {
  test.each([
    ["passed in 12 ms", "passed in 3.4 s\n", true],
    ["a\n...\nz", "a\nb\nc\nz\n", true],
    ["a\n...\nz", "a\nb\nc\n", false],
    ["a.c", "abc", false],
    ["a", "a\nb", false],
    ["", "", true],
  ])("%j, %j: %s", (shown, actual, same) => expect(isAsShown(shown, actual)).toBe(same));
});

test("a diff adds lines between those that are there once", () => {
  expect(applyDiff("a\nb\nc\n", " a\n+x\n b\n")).toBe("a\nx\nb\nc\n");
  expect(() => applyDiff("a\nb\na\nb\n", " a\n+x\n b\n")).toThrow("not there once");
  expect(() => applyDiff("b\n", " a\n+x\n")).toThrow("not there once");
});
