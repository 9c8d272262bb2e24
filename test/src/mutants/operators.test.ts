import { describe, expect, test } from "vitest";
import { disassemble } from "../../../src/import/x86/disassemble.ts";
import { encodingOf } from "../../../src/mutants/encoding.ts";
import { OPERATORS, operatorNamed } from "../../../src/mutants/operators/index.ts";
import type { Spot } from "../../../src/mutants/operators/operator.ts";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const spot = (hex: string, more: Partial<Spot> = {}): Spot => ({
  ...encodingOf(bytesOf(hex))!,
  offset: 0,
  starts: [0],
  index: 0,
  ...more,
});
const asm = (bytes: Uint8Array) =>
  disassemble(bytes, 0n)
    .map(({ text }) => text)
    .join("; ");

/** instruction, operator, what it becomes */
const CASES = [
  ["push %rbx is lost", "53", "lost", "nop"],
  ["a pop of another register", "41 5e", "the register beside", "popq %r15"],
  ["a pop that pushes", "5b", "push for pop", "pushq %rbx"],
  ["a limit of 34", "48 83 38 21", "imm + 1", "cmpq $0x22, (%rax)"],
  ["the slot beside", "48 8b 85 f0 ff ff ff", "disp + 8", "movq -0x8(%rbp), %rax"],
  ["32 bits of 64", "48 01 f7", "no REX.W", "addl %esi, %edi"],
  ["64 bits of 32", "45 01 c0", "REX.W set", "addq %r8, %r8"],
  ["rax for r8", "4d 89 c2", "no REX.R", "movq %rax, %r10"],
  ["sub for add", "48 83 00 01", "sub for add", "subq $0x1, (%rax)"],
  ["half the scale", "48 8b 8c d6 10 01 00 00", "half the scale", "movq 0x110(%rsi,%rdx,4), %rcx"],
  ["above for not below", "73 02", "wrong where both are equal", "ja 0x4"],
  ["signed for unsigned", "77 02", "wrong about the sign", "jg 0x4"],
  ["without lock", "f0 48 01 7b 00", "no prefix", "addq %rdi, (%rbx)"],
] as const;

describe("an operator", () => {
  test.each(CASES)("%s", (_, hex, name, text) => {
    const made = operatorNamed(name).apply(spot(hex))!;
    expect(made.length).toBe(bytesOf(hex).length);
    expect(asm(made)).toBe(text);
  });

  test("two pops in the other order", () => {
    const made = operatorNamed("exchanged with the next").apply(spot("41 5e", { next: bytesOf("5b") }))!;
    expect(asm(made)).toBe("popq %rbx; popq %r14");
  });

  test("a branch to the neighbour of its target", () => {
    const jump = spot("74 03", { starts: [0, 2, 5, 7], offset: 0 });
    expect(asm(operatorNamed("to the instruction behind").apply(jump)!)).toBe("je 0x7");
    expect(asm(operatorNamed("to the instruction before").apply(jump)!)).toBe("je 0x2");
  });

  test("none changes the length, and none leaves an instruction as it is", () => {
    for (const hex of ["53", "48 89 e5", "48 81 ec 08 00 00 00", "c4 e2 f9 f7 c0", "66 89 7d f8", "e8 10 00 00 00"])
      for (const { name, apply } of OPERATORS) {
        const made = apply(spot(hex));
        if (!made) continue;
        expect(made.length, name).toBe(bytesOf(hex).length);
        expect(Buffer.compare(made, bytesOf(hex)), name).not.toBe(0);
      }
  });
});
