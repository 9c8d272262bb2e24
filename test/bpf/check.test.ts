import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../../bpf/asm/assemble.ts";
import { type CheckOptions, checkProgram, ProgramError } from "../../bpf/check.ts";
import { anyInsn, validInsns } from "./arbitraries.ts";

function problemOf(text: string, options: CheckOptions = {}): string {
  const { insns, lines } = assemble(text.replaceAll(/\s\|\s/g, "\n"));
  try {
    checkProgram(insns, { lines, ...options });
  } catch (error) {
    if (error instanceof ProgramError) return error.message;
    throw error;
  }
  return "none";
}

/** `|` is a line break; `.8byte` spells what no instruction spells: imm:32, off:16, src:4, dst:4, code:8. */
describe("refused", () => {
  test.each([
    ["r0 = 0", "slot 0 (line 1): the function at slot 0 runs off its end: its last instruction is no exit and no goto"],
    [
      "r0 = 1 ll",
      "slot 1 (line 1): the function at slot 0 runs off its end: its last instruction is no exit and no goto",
    ],
    ["goto +1 | exit", "slot 0 (line 1): a jump to slot 2, out of the program"],
    ["goto -2 | exit", "slot 0 (line 1): a jump to slot -1, out of the program"],
    ["if r1 == 0 goto +1 | r0 = 1 ll | exit", "slot 0 (line 1): a jump to slot 2, into a 64-bit load"],
    ["call f | goto f | f: exit", "slot 1 (line 2): a jump to slot 2, out of its function (0 to 1)"],
    ["call f | exit | x: exit | f: gotol x", "slot 3 (line 4): a jump to slot 2, out of its function (3 to 3)"],
    [
      "call f | r0 = 1 | f: exit",
      "slot 1 (line 2): the function at slot 0 runs off its end: its last instruction is no exit and no goto",
    ],
    ["call pc+7 | exit", "slot 0 (line 1): a call of slot 8, out of the program"],
    ["call pc+1 | r0 = 1 ll | exit", "slot 0 (line 1): a call of slot 2, in a 64-bit load"],
    ["ld_pseudo r1, 4, 100 | exit", "slot 0 (line 1): the address of slot 101, out of the program"],
    [".8byte 0x18 | exit", "slot 0 (line 1): the second slot of a 64-bit load holds nothing but imm"],
    ["exit | .8byte 0x18", "slot 1 (line 2): the second slot of the 64-bit load is missing"],
    [".8byte 0x10018 | .8byte 0 | exit", "slot 0 (line 1): off of a 64-bit load must be 0"],
    ["ld_pseudo r1, 7, 0 | exit", "slot 0 (line 1): a 64-bit load has no pseudo source 7"],
    ["ld_pseudo r1, 1, 0x100000000 | exit", "slot 0 (line 1): the second imm of such a 64-bit load must be 0"],
    [".8byte 0 | exit", "slot 0 (line 1): unknown opcode 0x00"],
    [".8byte 0x8c | exit", "slot 0 (line 1): unknown opcode 0x8c"], // NEG of a register
    [".8byte 0xe7 | exit", "slot 0 (line 1): unknown opcode 0xe7"],
    [".8byte 0x99 | exit", "slot 0 (line 1): unknown opcode 0x99"], // MEMSX of 64 bits
    [".8byte 0x96 | exit", "slot 0 (line 1): unknown opcode 0x96"], // exit in class JMP32
    ["callx r1 | exit", "slot 0 (line 1): unknown opcode 0x8d"],
    [".8byte 0x2021bc | exit", "slot 0 (line 1): off of a move is 0, 8, 16; not 32"],
    [".8byte 0x10000000f | exit", "slot 0 (line 1): imm is reserved here and must be 0, not 1"],
    [".8byte 0x100001007 | exit", "slot 0 (line 1): src is reserved here and must be 0, not 1"],
    [".8byte 0x2003f | exit", "slot 0 (line 1): off of a division is 0 or, for a signed one, 1; not 2"],
    ["r1 /= 0 | exit", "slot 0 (line 1): division by 0"],
    ["r1 <<= 64 | exit", "slot 0 (line 1): a shift of 64 bits by 64"],
    ["w1 s>>= 32 | exit", "slot 0 (line 1): a shift of 32 bits by 32"],
    [".8byte 0x18000000d4 | exit", "slot 0 (line 1): a byte swap of 24 bits"],
    ["r1 = addr_space_cast(r1, 2, 1) | exit", "slot 0 (line 1): an address-space cast is from 0 to 1 or from 1 to 0"],
    [".8byte 0x95000000000005 | exit", "slot 0 (line 1): imm is reserved here and must be 0, not 9764864"],
    [".8byte 0x3085 | exit", "slot 0 (line 1): a call has no pseudo source 3"],
    [".8byte 0x10085 | exit", "slot 0 (line 1): off is reserved here and must be 0, not 1"],
    [".8byte 0x22000021db | exit", "slot 0 (line 1): unknown atomic operation 0x22"],
    [".8byte 0x1000021d3 | exit", "slot 0 (line 1): an atomic operation on less than 4 bytes"],
    ["r11 = 0 | exit", "slot 0 (line 1): there is no register r11"],
    [".8byte 0xe1bf | exit", "slot 0 (line 1): there is no register r14"],
    ["r10 = 0 | exit", "slot 0 (line 1): r10 cannot be written"],
    ["r10 = *(u64 *)(r1 + 0) | exit", "slot 0 (line 1): r10 cannot be written"],
    ["r10 = xchg_64(r1 + 0, r10) | exit", "slot 0 (line 1): r10 cannot be written"],
    ["tail_call | exit", "slot 0 (line 1): unknown opcode 0xf5"],
    ["nospec | exit", "slot 0 (line 1): unknown opcode 0xc2"],
    ["r1 = probe *(u64 *)(r1 + 0) | exit", "slot 0 (line 1): unknown opcode 0x39"],
    ["r0 = &(void __percpu *)(r0) | exit", "slot 0 (line 1): off of a move is 0, 8, 16, 32; not -1"],
  ])("%s -> %s", (text, problem) => expect(problemOf(text)).toBe(problem));

  test("a program without instructions", () => expect(() => checkProgram([])).toThrow("at least one instruction"));
});

describe("accepted", () => {
  test.each([
    "exit",
    "1: goto 1b",
    "r0 = 0 | may_goto +1 | goto -2 | gotol +0 | exit",
    "*(u64 *)(r10 - 8) = r10 | store_release((u8 *)(r10 - 1), w1) | r0 = cmpxchg_64(r10 - 8, r0, r10) | exit",
    "r2 = f ll | call f | exit | f: r0 = 0 | exit",
    "r1 = 0 ll | gotox r1",
    "call kfunc 5, 3 | exit",
  ])("%s", (text) => expect(problemOf(text)).toBe("none"));

  test("what the verifier writes, where that is asked for; calls are then indexes of functions", () => {
    const text = `call pc+1 | r0 = &(void __percpu *)(r0) | r1 = probe *(s8 *)(r1 + 0) | w1 = zext w1 | nospec | exit |
      tail_call poke[0] | r12 = r11 | arena lock *(u64 *)(r1 + 0) += r2 | arena *(u8 *)(r1 + 0) = 1 | exit`;
    const functions = [{ start: 0 }, { start: 6 }];
    expect(problemOf(text, { kernelInternal: true, functions })).toBe("none");
    expect(problemOf(text, { kernelInternal: true, functions: [{ start: 0 }] })).toBe(
      "slot 0 (line 1): a call of function 1 of 1",
    );
  });

  test("instructions that the disassembler has words for, apart from jumps and values", () => {
    fc.assert(
      fc.property(validInsns, (insns) => {
        const problem = problemWith(insns);
        expect(problem).toMatch(/^$|out of|into a 64|runs off|division by 0|shift|r10 cannot|at least one/);
      }),
    );
  });
});

test("any slots are accepted or a ProgramError", () => {
  fc.assert(
    fc.property(fc.array(anyInsn, { maxLength: 10 }), fc.boolean(), (insns, kernelInternal) => {
      problemWith(insns, { kernelInternal });
    }),
    { numRuns: 2000 },
  );
});

function problemWith(insns: Parameters<typeof checkProgram>[0], options?: CheckOptions): string {
  try {
    checkProgram(insns, options);
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(ProgramError);
    return (error as ProgramError).reason;
  }
}
