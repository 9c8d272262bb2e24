import { describe, expect, it } from "vitest";
import { AUX, AX, CALLEE_SAVED, R9, R12, REG_NAMES, RSP, X86_OF_BPF } from "../../../jit/x86/regs.ts";

const named = (registers: readonly number[]): string[] => registers.map((n) => REG_NAMES[n]);

describe("where BPF registers live", () => {
  it("R0 as return value, R1 to R5 as C's arguments (but rcx and r10), R6 to R9 callee-saved, FP, AX twice", () => {
    expect(named(X86_OF_BPF)).toEqual(
      "rax rdi rsi rdx rcx r8 rbx r13 r14 r15 rbp r10 r10".split(" "), // 11 is AX up to 7.1, 12 since
    );
  });

  it("R6 to R9 are what a frame saves", () => {
    expect(CALLEE_SAVED).toEqual(X86_OF_BPF.slice(6, 10));
  });

  it("none lives in rsp or r12, which are no base without a SIB byte, in r9 or in the JIT's scratch", () => {
    for (const taken of [RSP, R12, R9, AUX]) expect(X86_OF_BPF).not.toContain(taken);
    expect(named([AUX, AX])).toEqual(["r11", "r10"]);
  });
});
