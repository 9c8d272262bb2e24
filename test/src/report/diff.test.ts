import { expect, test } from "vitest";
import { diffLines } from "../../../src/report/diff.ts";

test("lines in common stay, the others are marked", () => {
  expect(diffLines("a\nb\nc\n", "a\nc\nd\n")).toEqual(["  a", "- b", "  c", "+ d"]);
  expect(diffLines("", "x")).toEqual(["-", "+ x"]);
  expect(diffLines("same\n", "same")).toEqual(["  same"]);
});

test("texts too long to compare are listed one after the other", () => {
  const long = Array.from({ length: 2001 }, (_, i) => `line ${i}`).join("\n");
  expect(diffLines(long, "line 0")).toHaveLength(2002);
});
