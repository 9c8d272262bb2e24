import { describe, expect, test } from "vitest";
import { AsmError } from "../../../bpf/asm/error.ts";
import { assembleUbpf } from "../../../bpf/asm-ubpf/assemble.ts";
import { disassemble } from "../../../bpf/disasm/disassemble.ts";

/** What a text means, in LLVM's words. */
const meaning = (text: string): string[] =>
  disassemble(assembleUbpf(text.replaceAll(/\s\|\s/g, "\n")).insns).filter((line) => line);

function failure(text: string): string {
  try {
    assembleUbpf(text);
    return "it assembles";
  } catch (error) {
    if (error instanceof AsmError) return error.message;
    throw error;
  }
}

describe("instructions", () => {
  test.each([
    ["add %r1, %r2", "r1 += r2"],
    ["add64 %r1, 2", "r1 += 2"],
    ["add32 %r1, -1", "w1 += -1"],
    ["mov %r0, 0xffffffff", "r0 = -1"],
    ["mov %r0, 0xfffffffffffffffc", "r0 = -4"],
    ["mov r3, r10", "r3 = r10"],
    ["sdiv %r1, %r2", "r1 s/= r2"],
    ["smod32 %r1, 7", "w1 s%= 7"],
    ["arsh32 %r1, 4", "w1 s>>= 4"],
    ["neg32 %r1", "w1 = -w1"],
    ["movsx832 %r1, %r2", "w1 = (s8)w2"],
    ["movsx3264 %r1, %r2", "r1 = (s32)r2"],
    ["be16 %r1", "r1 = be16 r1"],
    ["le64 %r1", "r1 = le64 r1"],
    ["swap32 %r1", "r1 = bswap32 r1"],
    ["bswap64 %r1", "r1 = bswap64 r1"],
    ["ldxw %r0, [%r1+4]", "r0 = *(u32 *)(r1 + 4)"],
    ["ldxdw %r0, [ %r1 - 8 ]", "r0 = *(u64 *)(r1 - 8)"],
    ["ldxb %r0, [%r1]", "r0 = *(u8 *)(r1 + 0)"],
    ["ldxh %r0, [%r1+0x10]", "r0 = *(u16 *)(r1 + 16)"],
    ["ldxsb %r0, [%r1+2]", "r0 = *(s8 *)(r1 + 2)"],
    ["ldxwsx %r0, [%r1+2]", "r0 = *(s32 *)(r1 + 2)"],
    ["stxh [%r1+2], %r3", "*(u16 *)(r1 + 2) = r3"],
    ["stdw [%r10-8], 7", "*(u64 *)(r10 - 8) = 7"],
    ["lddw %r1, 0x1122334455667788", "r1 = 0x1122334455667788 ll"],
    ["lddw %r1, -1", "r1 = 0xffffffffffffffff ll"],
    ["lock add [%r10-8], %r1", "lock *(u64 *)(r10 - 8) += r1"],
    ["lock fetch xor32 [%r10-8], %r1", "w1 = atomic_fetch_xor((u32 *)(r10 - 8), w1)"],
    ["lock xchg [%r10-8], %r1", "r1 = xchg_64(r10 - 8, r1)"],
    ["lock cmpxchg32 [%r10-8], %r1", "w0 = cmpxchg32_32(r10 - 8, w0, w1)"],
    ["call 5", "call bpf_ktime_get_ns"],
    ["call helper 5", "call bpf_ktime_get_ns"],
    ["exit", "exit"],
  ])("%s -> %s", (text, expected) => expect(meaning(text)).toEqual([expected]));

  test.each([
    ["jeq %r1, 5, +1 | exit | exit", "if r1 == 5 goto +1"],
    ["jslt32 %r1, %r2, +1 | exit | exit", "if w1 s< w2 goto +1"],
    ["jset %r1, 0x80000000, end | exit | end: | exit", "if r1 & -2147483648 goto +1"],
    ["ja -1", "goto -1"],
    ["ja32 end | exit | end: exit", "gotol +1"],
    ["jne %r1, 0, exit | mov %r0, 1 | exit", "if r1 != 0 goto +1"],
    ["call local f | exit | f: | exit", "call pc+1"],
  ])("%s -> %s", (text, expected) => expect(meaning(text)[0]).toBe(expected));

  test("calls by register and of kernel functions", () => {
    const [byHelper, byName, kernel] = assembleUbpf("call %r2\ncallx %r3\ncall runtime 0x2a").insns;
    expect(byHelper).toEqual({ code: 0x8d, dst: 2, src: 0, off: 0, imm: 0 });
    expect(byName).toEqual({ code: 0x8d, dst: 3, src: 0, off: 0, imm: 0 });
    expect(kernel).toEqual({ code: 0x85, dst: 0, src: 2, off: 0, imm: 42 });
  });
});

test("exit is the first exit's label, unless the text has one of that name", () => {
  expect(assembleUbpf("ja exit\nexit\nexit").insns[0].off).toBe(0);
  expect(assembleUbpf("ja exit\nexit\nexit:\nexit").insns[0].off).toBe(1);
});

test("lines are counted from where the text begins in its file", () =>
  expect(assembleUbpf("# nothing\nlddw %r0, 1\nexit", 10).lines).toEqual([11, 11, 12]));

describe("what is wrong is named with line and column", () => {
  test.each([
    ["mvo %r0, 1", '1:1: expected a mnemonic, found "mvo"; did you mean mov?'],
    ["mov %r16, 1", '1:5: expected a register, %r0 to %r10, found "%r16"'],
    ["mov %r0, 0x100000000", '1:10: expected a number of 32 bits, found "0x100000000"'],
    ["mov %r0", '1:8: expected 2 operands of "mov", found the end of the line'],
    ["exit now", '1:6: expected the end of the line: "exit" takes 0 operands, found "now"'],
    ["ldxw %r0, [%r1+0x10000]", '1:15: expected a number of 16 bits, found "+0x10000"'],
    ["ldxw %r0, %r1", '1:11: expected memory, [%r1+2], found "%r1"'],
    ["\njeq %r0, 1, there", '2:13: expected a label or +N, found "there"'],
    ["a:\na:\nexit", '2:1: expected a label that is not taken, found "a:"'],
    ["lock xro [%r1], %r2", '1:6: expected an atomic operation, found "xro"; did you mean xor?'],
    ["lock", '1:1: expected an operation behind it, found "lock"'],
    ["call", '1:1: expected what to call behind it, found "call"'],
    ["call remote f", '1:6: expected helper, local or runtime, found "remote"'],
    ["lddw %r0, map_by_fd(m)", '1:11: expected a number of 64 bits, found "map_by_fd(m)"'],
  ])("%j: %s", (text, message) => expect(failure(text)).toBe(message));
});
