import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assembleUbpf } from "../../../bpf/asm-ubpf/assemble.ts";
import { encodeInsns } from "../../../bpf/insn.ts";
import { runPlugin } from "../../../src/conformance/plugin.ts";
import { UserError } from "../../../src/error.ts";
import { elfOf } from "./elf.ts";

const bytes = (text: string): Uint8Array => encodeInsns(assembleUbpf(text.replaceAll(/\s\|\s/g, "\n")).insns);
/** As bpf_conformance's runner writes bytes: two blanks behind each. */
const spaced = (all: Uint8Array): string => [...all].map((byte) => `${byte.toString(16).padStart(2, "0")}  `).join("");
const calls = new URL("../../fixtures/objects/clang-14/calls.bpf.o", import.meta.url);
const PLACES = ["interpreter", "linux-6.1", "linux-7.2+harden"];

/** R0 in hex, or what is wrong. */
function run(program: string, memory: string, on: string, elf = false): string {
  try {
    const output = runPlugin({ program, memory, elf, on });
    return "r0" in output ? output.r0.toString(16) : `error: ${output.error}`;
  } catch (error) {
    if (error instanceof UserError) return `usage: ${error.message}`;
    throw error;
  }
}

describe("a program in hex, its memory in hex", () => {
  test.each(PLACES)("on %s", (on) => {
    expect(run(spaced(bytes("ldxb %r0, [%r1+1] | add %r0, %r2 | exit")), "aa  bb  cc  ", on)).toBe("be");
    expect(run(Buffer.from(bytes("mov %r0, -1 | exit")).toString("hex"), "", on)).toBe("ffffffffffffffff");
  });

  test.each(PLACES)("without memory R1 and R2 are 0, on %s", (on) =>
    expect(run(spaced(bytes("mov %r0, %r1 | or %r0, %r2 | exit")), "", on)).toBe("0"),
  );

  test.each(PLACES)("as an ELF object, on %s", (on) =>
    expect(run(spaced(elfOf(bytes("mov %r0, 7 | exit"))), "", on, true)).toBe("7"),
  );

  test.each(PLACES)("as clang writes it, calls of functions in .text and all, on %s", (on) =>
    expect(run(spaced(readFileSync(calls)), "", on, true)).toBe("14"),
  );
});

describe("what does not run is an error", () => {
  test.each([
    ["mov %r0, 1", "interpreter", /^error: slot 0: the function at slot 0 runs off its end/],
    ["call 99 | exit", "linux-7.2", /^error: it calls helper 99$/],
    ["swap16 %r0 | exit", "linux-6.1", /^error: unknown opcode d7$/],
    ["ldxb %r0, [%r1+9] | exit", "interpreter", /^error: slot 0: read of 1 bytes at 0x9/],
    ["ldxb %r0, [%r1+9] | exit", "linux-6.12", /^error: fault: .*0x9/],
    ["ja -1 | exit", "linux-6.12", /^error: budget: .*1000000/],
  ])("%s on %s", (text, on, message) => expect(run(spaced(bytes(text)), "", on)).toMatch(message));
});

describe("what is no program is bad usage", () => {
  const elf = elfOf(bytes("exit"));
  const changed = (at: number, byte: number): string => spaced(elf.map((old, i) => (i === at ? byte : old)));
  test.each([
    ["zz", "", false, 'the program: expected hex bytes, found "z" after 0 of them'],
    ["95000", "", false, "the program: an odd number of hex digits"],
    ["9500", "", false, "the program has 2 bytes; expected instructions of 8 bytes"],
    ["", "", false, "the program has 0 bytes; expected instructions of 8 bytes"],
    [spaced(bytes("exit")), "1", false, "the memory: an odd number of hex digits"],
    [spaced(bytes("exit")), "", true, "ELF object: expected to begin with 7f 45 4c 46 (at byte 0)"],
    [changed(0, 0x7e), "", true, "ELF object: expected to begin with 7f 45 4c 46 (at byte 0)"],
    [changed(4, 1), "", true, "ELF object: is not of 64 bits (at byte 4)"],
    [changed(18, 62), "", true, "ELF object: is for x86-64; expected BPF (clang --target=bpf) (at byte 18)"],
    [
      spaced(elf.subarray(0, elf.length - 1)),
      "",
      true,
      "ELF object: is cut short: expected 128 more bytes, it has 199 in all (at byte 72)",
    ],
  ])("%j, %j", (program, memory, asElf, message) =>
    expect(run(program, memory, "interpreter", asElf)).toBe(`usage: ${message}`),
  );
});
