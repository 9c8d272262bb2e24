import { describe, expect, test } from "vitest";
import { actualText } from "../../../../src/runner/code/actual.ts";
import { firstUnmatched, PatternError, parsePatterns } from "../../../../src/runner/code/match.ts";

const CODE = [
  "endbr64",
  "pushq %rbp",
  "movq %rsp, %rbp",
  "L0: pushq %rax",
  "pushq %rax",
  "callq 0xffffffff81000010",
  "leave",
  "retq",
];
const lines = CODE.map((text) =>
  text.startsWith("callq") ? { text, also: "call unknown", pattern: "callq {{.*}}" } : { text },
);
const failing = (text: string) => firstUnmatched(parsePatterns(text), lines)?.text;

/** a text, and its first line that does not match */
const RULES: [why: string, text: string, fails: string | undefined][] = [
  ["lines follow each other", "endbr64\npushq %rbp\nmovq %rsp, %rbp", undefined],
  ["the first may stand anywhere, and more may follow", "movq %rsp, %rbp\nL0:", undefined],
  ["a line that is left out is missed", "endbr64\nmovq %rsp, %rbp", "movq %rsp, %rbp"],
  ["unless there is a gap", "endbr64\n...\nleave\nretq", undefined],
  ["a gap may be empty", "endbr64\n...\npushq %rbp", undefined],
  ["order counts across a gap", "leave\n...\nendbr64", "endbr64"],
  ["a pattern is part of a line", "endbr\nushq\n%rsp", undefined],
  ["white space is white space", "\tpushq\t%rbp\n   movq   %rsp,\t%rbp", undefined],
  ["{{}} holds a regular expression", "call{{q?}} 0x{{[[:xdigit:]]+}}\nleave\n{{(retq|jmp 0x)}}", undefined],
  ["which is for one line", "callq {{.*}}retq", "callq {{.*}}retq"],
  ["all else is meant literally", "pushq .rbp", "pushq .rbp"],
  ["a line may have another name", "call unknown\nleave", undefined],
  ["the first line that matches is taken, not the one that would do", "pushq\nleave", "leave"],
  ["empty lines say nothing", "\nendbr64\n\npushq %rbp\n", undefined],
  ["nor does a gap alone", "...", undefined],
];

describe("the selftests' rules", () => {
  test.each(RULES)("%s", (_, text, fails) => {
    expect(failing(text)).toBe(fails);
  });

  test("a regular expression that is none is said with its line", () => {
    expect(() => parsePatterns("endbr64\njmp {{(}}")).toThrow(PatternError);
    expect(() => parsePatterns("endbr64\njmp {{(}}")).toThrow(/no regular expression: unterminated group/);
  });
});

/** a text that does not match, and what it should say */
const ACTUAL: [why: string, text: string, actual: string][] = [
  [
    "what fits stays as written",
    "endbr64\npushq {{%r..}}\nmovq %rsp, %rbx",
    "endbr64\npushq {{%r..}}\nmovq %rsp, %rbp\n",
  ],
  ["a missing line is put in", "endbr64\nmovq %rsp, %rbp", "endbr64\npushq %rbp\nmovq %rsp, %rbp\n"],
  ["a line too many goes", "endbr64\nnop\npushq %rbp", "endbr64\npushq %rbp\n"],
  ["a gap stays a gap", "endbr64\n...\nleave\nint3", "endbr64\n...\nleave\nretq\n"],
  [
    "around a gap, as many lines as are wrong",
    "endbr64\nnop\n...\nnop\nretq",
    "endbr64\npushq %rbp\n...\nleave\nretq\n",
  ],
  [
    "addresses are left open",
    "L1: pushq %rax\npushq %rax\ncallq foo\nleave",
    "L0: pushq %rax\npushq %rax\ncallq {{.*}}\nleave\n",
  ],
  ["where nothing fits, it is all of the code", "nop", `${CODE.join("\n").replace(/0xf.*/, "{{.*}}")}\n`],
];

describe("what an expected text should say", () => {
  test.each(ACTUAL)("%s", (_, text, actual) => {
    expect(failing(text)).toBeDefined();
    expect(actualText(parsePatterns(text), lines)).toBe(actual);
    expect(failing(actual)).toBeUndefined();
  });
});
