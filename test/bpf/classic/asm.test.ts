import { describe, expect, test } from "vitest";
import { AsmError } from "../../../bpf/asm/error.ts";
import { assembleClassic } from "../../../bpf/classic/asm/assemble.ts";
import { decodeClassic, encodeClassic } from "../../../bpf/classic/insn.ts";

/** `code jt jf k` of each instruction, in hex. */
const assembled = (text: string): string[] =>
  assembleClassic(text.replaceAll(/\s\|\s/g, "\n")).insns.map(({ code, jt, jf, k }) =>
    [code.toString(16), jt, jf, k.toString(16)].join(" "),
  );

function failure(text: string): string {
  try {
    assembleClassic(text);
    return "it assembles";
  } catch (error) {
    if (error instanceof AsmError) return error.message;
    throw error;
  }
}

describe("operands, as Documentation/networking/filter.rst numbers them", () => {
  test.each([
    ["add x", "c 0 0 0", "0: X"],
    ["add %x", "c 0 0 0", "0: X"],
    ["ldh [12]", "28 0 0 c", "1: the packet"],
    ["ld [-4096]", "20 0 0 fffff000", "1: ancillary data by its offset"],
    ["ldb [x + 4]", "50 0 0 4", "2: the packet, from X on"],
    ["ld [x]", "40 0 0 0", "2"],
    ["ld M[15]", "60 0 0 f", "3: M[]"],
    ["stx M[2]", "3 0 0 2", "3"],
    ["ld #0xffffffff", "0 0 0 ffffffff", "4: a constant"],
    ["ldi #7", "0 0 0 7", "4"],
    ["ldxi #7", "1 0 0 7", "4"],
    ["and #-16", "54 0 0 fffffff0", "4"],
    ["ldxb 4*([14]&0xf)", "b1 0 0 e", "5: the length of an IPv4 header"],
    ["ldx 4*([14]&0xf)", "b1 0 0 e", "5"],
    ["ret a", "16 0 0 0", "11: A"],
    ["ld len", "80 0 0 0", "12: the length"],
    ["ldx #len", "81 0 0 0", "12"],
    ["ld vlan_avail", "20 0 0 fffff030", "12: ancillary data"],
    ["ldb proto", "30 0 0 fffff000", "12"],
  ])("%s -> %s (%s)", (text, expected) => expect(assembled(text)).toEqual([expected]));
});

describe("jumps", () => {
  const body = " | a: ret #1 | b: ret #2";
  test.each([
    ["ja b", "5 0 0 1"],
    ["jmp b", "5 0 0 1"],
    ["jeq #5, a, b", "15 0 1 5"],
    ["jeq x, b", "1d 1 0 0"],
    ["jset #3, b, a", "45 1 0 3"],
    ["jneq #5, b", "15 0 1 5"],
    ["jne x, b", "1d 0 1 0"],
    ["jlt #5, b", "35 0 1 5"],
    ["jle #5, b", "25 0 1 5"],
  ])("%s -> %s", (text, expected) => expect(assembled(text + body)[0]).toBe(expected));
});

test("labels may stand by themselves; comments are C's, or go from a semicolon to the end", () => {
  const text = "/* nothing\n but this */ start:\n  ld #1 ; one\nend: last:\n ret a";
  expect(assembled(text)).toEqual(["0 0 0 1", "16 0 0 0"]);
  expect(assembleClassic(text).lines).toEqual([3, 5]);
});

describe("what is wrong is named with line and column", () => {
  test.each([
    ["ldd [12]", '1:1: expected a mnemonic, found "ldd"; did you mean ld?'],
    ["ret #1\n  ldh #12", '2:7: expected an operand that this load takes, found "#12"'],
    [
      "ld [y]",
      '1:4: expected an operand: #k, x, M[k], [k], [x + k], 4*([k]&0xf), len, or ancillary data such as proto, found "[y]"',
    ],
    ["ld #0x100000000", '1:4: expected a number of 32 bits, found "#0x100000000"'],
    ["jeq #1, here", '1:9: expected a label, found "here"'],
    ["here: ret #1\nja here", '2:4: expected a label further on: classic BPF does not jump back, found "here"'],
    ["a: ret #1\na: ret #2", '2:1: expected a label that is not taken, found "a"'],
    ["add", '1:4: expected 1 operands of "add", found nothing'],
    ["add #1, #2", '1:9: expected the end of the line: "add" takes 1 operands, found "#2"'],
    ["jlt #1, a, b\na: b: ret #1", '1:12: expected the end of the line: "jlt" takes 2 operands, found "b"'],
    ["st #1", '1:4: expected M[k], found "#1"'],
    ["add [1]", '1:5: expected #k, found "[1]"'],
  ])("%j: %s", (text, message) => expect(failure(text)).toBe(message));

  test("a conditional jump reaches 255 instructions", () => {
    const jump = (count: number) => `jeq #1, end\n${"ret #0\n".repeat(count)}end: ret #1`;
    expect(failure(jump(255))).toBe("it assembles");
    expect(failure(jump(256))).toBe('1:9: expected a label within 255 instructions, not 256, found "end"');
  });
});

test("bytes and back", () => {
  const { insns } = assembleClassic("jeq #0xdeadbeef, a, b\na: ret #1\nb: ret a");
  expect(Buffer.from(encodeClassic(insns)).toString("hex")).toBe("15000001efbeadde06000000010000001600000000000000");
  expect(decodeClassic(encodeClassic(insns))).toEqual(insns);
  expect(() => decodeClassic(new Uint8Array(7))).toThrow(RangeError);
});
