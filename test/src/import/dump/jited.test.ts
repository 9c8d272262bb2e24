import { describe, expect, test } from "vitest";
import { ENTRY, fixtureText, parse, refusal, SUBPROG } from "./fixtures.ts";

const json = fixtureText("hierarchy.jited.json");
const text = fixtureText("hierarchy.jited.txt");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const summary = (content: string) =>
  parse(content).functions.map(({ name, address, bytes, at }) => ({ name, address, bytes: hex(bytes), at }));

describe("bpftool prog dump jited ... opcodes", () => {
  test("as JSON: each function by its symbol, its bytes put together from the opcodes", () => {
    expect(summary(json)).toEqual([
      { name: "bpf_prog_8a3c5d1f0b2e4967_entry", bytes: ENTRY, at: { line: 1, column: 2 } },
      { name: "bpf_prog_de79f54d7c4d8e1b_subprog_tail", bytes: SUBPROG, at: { line: 1, column: expect.any(Number) } },
    ]);
  });

  test("as text: the same", () => {
    expect(summary(text).map(({ name, bytes }) => [name, bytes])).toEqual([
      ["bpf_prog_8a3c5d1f0b2e4967_entry", ENTRY],
      ["bpf_prog_de79f54d7c4d8e1b_subprog_tail", SUBPROG],
    ]);
  });

  test("several programs at once: each has a header", () => {
    const [one] = JSON.parse(json);
    const programs = JSON.stringify([
      { id: 5, type: "sched_cls", insns: [one] },
      { id: 6, type: "xdp", insns: [one] },
    ]);
    expect(summary(programs).map(({ bytes }) => bytes)).toEqual([ENTRY, ENTRY]);
  });

  test("kernels that don't tell where functions begin: bare instructions", () => {
    const bare = JSON.stringify(JSON.parse(json)[0].insns);
    expect(parse(bare).notes).toEqual([
      "the dump doesn't tell where functions begin; they are recognised from the bytes",
    ]);
    expect(summary(bare)).toEqual([{ name: undefined, bytes: ENTRY, at: { line: 1, column: 2 } }]);
  });

  test("where bpftool finds no symbol it writes the address in its place", () => {
    expect(summary(json.replace("bpf_prog_8a3c5d1f0b2e4967_entry", "0xffffffffc0000758"))[0].address).toBe(
      0xffffffffc0000758n,
    );
  });

  test("lines of the C source in between", () => {
    const lines = text.replace("   4:\t", "; int entry(struct __sk_buff *skb)\n   4:\t");
    expect(summary(lines)[0].bytes).toBe(ENTRY);
  });

  test("other output above and below it", () => {
    expect(summary(`$ bpftool prog dump jited id 7 opcodes\n${text}\n$ \n`)[1].bytes).toBe(SUBPROG);
  });
});

describe("what is wrong with it, and where", () => {
  test.each([
    ["cut short", json.slice(0, 300), 'dump:1:301: ends here; expected ":" (cut short?)'],
    ["cut in a word", json.slice(0, 288), "dump:1:287: this text has no end (cut short?)"],
    [
      "text cut short",
      text.slice(0, text.indexOf("\t55 ")),
      "dump:9:17: ends here; expected the instruction's bytes (cut short?)",
    ],
    [
      "no opcodes",
      JSON.stringify([{ name: "f", insns: [{ pc: "0x0", operation: "ret", operands: [null] }] }]),
      "dump:1:23: no machine code here: dump it again with `opcodes` at the end of the command",
    ],
    [
      "text without opcodes",
      "bpf_prog_1_f:\n   0:\tnopl\n   5:\tret\n",
      "dump:2:4: no machine code here: dump it again with `opcodes` at the end of the command",
    ],
    ["no byte", json.replace('"0x1f"', '"0x1fg"'), "dump:1:"],
    [
      "a pc is missing",
      json.replace('"0x4"', '"0x9"'),
      "dump:1:196: pc is 0x9 where 0x4 comes next: lines are missing",
    ],
    [
      "a line is missing",
      text.replace(/^ {3}4:.*\n.*\n/m, ""),
      "dump:5:4: 0x9 where 0x4 comes next: lines are missing",
    ],
    ["bpftool failed", '{"error":"no instructions returned"}', "dump:1:10: bpftool failed: no instructions returned"],
    ["nothing", "[]", "dump:1:1: no instructions: bpftool had nothing to show (not root?)"],
    ["no JSON", "[{]", 'dump:1:3: "]" is no JSON; expected a name'],
    ["deep", "[".repeat(100_000), "dump:1:66: values are nested deeper than 64"],
  ])("%s", (_, content, message) => {
    expect(refusal(content).slice(0, message.length)).toBe(message);
  });
});
