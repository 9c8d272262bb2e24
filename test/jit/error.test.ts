import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Insn } from "../../bpf/insn.ts";
import { BPF_ALU64, BPF_B, BPF_MOV, BPF_STX, BPF_X, LD_IMM64 } from "../../bpf/opcode.ts";
import { JitError } from "../../jit/error.ts";
import type { JitFunction } from "../../jit/function.ts";
import { profileNamed, profileNames } from "../../jit/profiles/index.ts";
import { anyInsn } from "../bpf/arbitraries.ts";
import { addressOf, compile, functionOf, profileOf } from "./x86/function.ts";

const insn = (code: number, fields: Partial<Insn> = {}): Insn => ({ code, dst: 0, src: 0, off: 0, imm: 0, ...fields });

/** What compiling the function throws. */
function refusal(input: JitFunction, profile = profileOf("linux-6.12")): { message: string; slot: number } {
  try {
    compile(input, profile);
  } catch (error) {
    if (error instanceof JitError) return { message: error.message, slot: error.slot };
    throw error;
  }
  throw new Error("it was compiled");
}

/** r0 = 0, the instructions under test from slot 1 on, exit */
const refused = (...insns: Insn[]): { message: string; slot: number } => {
  const around = functionOf("r0 = 0\nexit");
  return refusal({ ...around, insns: [around.insns[0], ...insns, around.insns[1]] });
};

describe("JitError says what could not be compiled, and which slot is to blame", () => {
  it.each([
    ["ALU", 0xe4],
    ["ALU64", 0xf7],
    ["JMP: may_goto, which the verifier replaces", 0xe5],
    ["JMP32: call", 0x86],
    ["LD with an unknown mode", 0x60],
    ["LDX of mode ATOMIC and 8 bytes", 0xe1],
    ["ST of mode PROBE_MEM", 0x22],
  ])("an opcode that there is not: %s", (_, code) => {
    expect(refused(insn(code))).toEqual({ message: `f: unknown opcode 0x${code.toString(16)}`, slot: 1 });
  });

  it("an atomic operation that there is not", () => {
    expect(refused(insn(0xdb, { imm: 0x77 }))).toEqual({ message: "f: unknown atomic 0x77", slot: 1 });
  });

  it("an atomic operation on one or two bytes: these can only be loaded and stored", () => {
    expect(refused(insn(BPF_STX | 0xc0 | BPF_B))).toEqual({
      message: "f: atomics of 1 and 2 bytes only load and store",
      slot: 1,
    });
  });

  it("a fetching and, or, xor in an arena: there would have to be a loop, and there is no fixup for one", () => {
    expect(refused(insn(BPF_STX | 0xf8, { imm: 0x51 }))).toEqual({ message: "f: unknown atomic 0x51", slot: 1 });
  });

  it("a jump before the first or behind the last instruction", () => {
    const out = { message: "f: jump out of range", slot: 1 };
    expect(refused(insn(0x05, { off: -3 }))).toEqual(out);
    expect(refused(insn(0x15, { off: 7 }))).toEqual(out);
    expect(refused(insn(0x06, { imm: 0x7fffffff }))).toEqual(out);
  });

  it("a call of what has no address", () => {
    expect(refused(insn(0x85, { imm: 5 }))).toEqual({ message: "f: nothing to call", slot: 1 });
  });

  it("a sign extension from a width that there is not", () => {
    expect(refused(insn(BPF_ALU64 | BPF_MOV | BPF_X, { off: 24 }))).toEqual({
      message: "f: no sign extension from 24 bits",
      slot: 1,
    });
  });

  it("LD_IMM64 without its second half", () => {
    const { insns, ...around } = functionOf("r0 = 0");
    const half = { ...around, insns: [...insns, insn(LD_IMM64)] };
    expect(refusal(half)).toEqual({ message: "f: LD_IMM64 without its second half", slot: 1 });
  });

  it("a direct tail call of a poke descriptor that there is not", () => {
    expect(refused(insn(0xf5, { imm: 3 }))).toEqual({ message: "f: no poke descriptor 2", slot: 1 });
  });

  it("a register that there is not", () => {
    expect(refused(insn(BPF_ALU64 | BPF_MOV | BPF_X, { dst: 14 }))).toEqual({ message: "f: no register r14", slot: 1 });
  });

  it("a callee out of a rel32's reach; the call is to blame", () => {
    const far = functionOf("r0 = 0\ncall bpf_ktime_get_ns\nexit");
    far.calls.set(1, 0xffff888000001000n);
    expect(refusal(far)).toEqual({
      message: "f: 0xffff888000001000 is out of the reach of a rel32 at 0xffffffffc0000000",
      slot: 1,
    });
  });
});

describe("whatever the slots hold", () => {
  it("they are compiled, or a JitError names one of them; there is no other end", () => {
    const profiles = fc.constantFrom(...profileNames());
    fc.assert(
      fc.property(fc.array(anyInsn, { maxLength: 20 }), profiles, (insns, name) => {
        const calls = new Map(insns.map((_, slot) => [slot, addressOf("bpf_ktime_get_ns")]));
        const input = { ...functionOf("exit"), insns, calls, pokes: [{ map: "jmp_table", key: 0 }] };
        try {
          expect(compile(input, profileNamed(name)!).ends).toHaveLength(insns.length + 1);
        } catch (error) {
          if (!(error instanceof JitError)) throw error;
          expect(error.slot).toBeGreaterThanOrEqual(0);
          expect(error.slot).toBeLessThan(insns.length);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
