import { describe, expect, it } from "vitest";
import { disassemble } from "../../bpf/disasm/disassemble.ts";
import type { Insn } from "../../bpf/insn.ts";
import { EXIT, JA, JA32 } from "../../bpf/opcode.ts";
import { JitError } from "../../jit/error.ts";
import type { JitFunction } from "../../jit/function.ts";
import { replaceInsns } from "../../jit/replace.ts";
import { addressOf, functionOf } from "./x86/function.ts";

/** Puts `r0 = 0` in front of every instruction that `which` says. */
const doubled = (fn: JitFunction, which: (insn: Insn) => boolean): JitFunction => {
  const [nothing] = functionOf("r0 = 0").insns;
  return replaceInsns(fn, (insn) => (which(insn) ? [nothing, { ...insn }] : undefined));
};

const TEXT = `
  again:
  if r1 == 0 goto out
  call bpf_ktime_get_ns
  gotol again
  out:
  exit
`;

describe("replaceInsns: several instructions in place of one (bpf_patch_insn_single)", () => {
  it("jumps go to the first of what stands there now", () => {
    const { insns } = doubled(functionOf(TEXT), () => true);
    expect(disassemble(insns)).toEqual(
      disassemble(
        functionOf(`
          again:
          r0 = 0
          if r1 == 0 goto out
          r0 = 0
          call bpf_ktime_get_ns
          r0 = 0
          gotol again
          out:
          r0 = 0
          exit
        `).insns,
      ),
    );
  });

  it("calls, and where each instruction comes from", () => {
    const { calls, origin } = doubled(functionOf(TEXT), ({ code }) => code !== EXIT);
    expect([...calls]).toEqual([[3, addressOf("bpf_ktime_get_ns")]]);
    expect([...origin!]).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });

  it("twice in a row: origins are slots of the function as it was at first", () => {
    const once = doubled(functionOf(TEXT), ({ code }) => code === EXIT);
    const twice = doubled(once, ({ code }) => code === EXIT);
    expect([...twice.origin!]).toEqual([0, 1, 2, 3, 3, 3]);
  });

  it("the distance of a call to a function that was removed moves along", () => {
    const fn = { ...functionOf("r1 = 1\ncall bpf_ktime_get_ns\nr1 = 2\nexit"), removed: new Map([[1, 1]]) };
    expect([...doubled(fn, () => true).removed]).toEqual([[3, 2]]);
  });

  it("the function that was given stays as it was", () => {
    const fn = functionOf(TEXT);
    doubled(fn, () => true);
    expect(fn).toEqual(functionOf(TEXT));
  });

  it("a jump of 16 bits that gets too long is refused, with its slot; one of 32 bits goes on", () => {
    const [start, add, exit] = functionOf("r0 = 0\nr1 += 5\nexit").insns;
    const replace = (jump: Partial<Insn>): JitFunction => {
      const over = { ...start, ...jump };
      const insns = [start, over, ...Array.from({ length: 17000 }, () => add), exit];
      return doubled({ ...functionOf("exit"), insns }, ({ code }) => code === add.code);
    };
    expect(() => replace({ code: JA, off: 17000 })).toThrow(new JitError("f: a jump gets out of reach", 1));
    expect(replace({ code: JA32, imm: 17000 }).insns[1].imm).toBe(34000);
  });
});
