import { describe, expect, it } from "vitest";
import type { Insn } from "../../../bpf/insn.ts";
import { BPF_REG_AX, LD_IMM64 } from "../../../bpf/opcode.ts";
import { blindConstants } from "../../../jit/blind.ts";
import { PROFILES, profileNamed, profileNames } from "../../../jit/profiles/index.ts";
import { decodeTable } from "../../../src/import/x86/decode.ts";
import { corpus, FORMS } from "../corpus.ts";
import { compile, functionOf } from "../x86/function.ts";

const REGISTERS = Array.from({ length: BPF_REG_AX + 1 }, (_, n) => n);

describe("every opcode on every profile", () => {
  it.each(profileNames())("%s compiles all forms to machine instructions", (name) => {
    const profile = profileNamed(name)!;
    const input = corpus(6, 1);
    const fn = profile.harden ? blindConstants(input, () => 0x5aa5f00f) : input;
    const { bytes, starts } = compile(fn, profile);
    expect(decodeTable(bytes)).toMatchObject({ starts });
    expect(decodeTable(bytes).bad).toBeUndefined();
  });

  it.each(PROFILES.map(({ name }) => name))(
    "%s compiles them on any destination, from rax, rdx, rcx and itself",
    (name) => {
      const profile = profileNamed(name)!;
      for (const dst of REGISTERS)
        for (const src of new Set([0, 3, 4, dst])) {
          const input = corpus(dst, src);
          expect(compile(input, profile).ends).toHaveLength(input.insns.length + 1);
        }
    },
  );

  it("there is no other opcode: what the JIT takes is in the corpus", () => {
    const operands = [{}, { imm: 1 << 16 }, { imm: 16 }, { imm: 0xe1 }, { imm: 0x100 }, { imm: 1, off: 8 }];
    const [exit] = functionOf("exit").insns;
    const around = { ...corpus(1, 2), calls: new Map([[0, 0xffffffff81000000n]]) };
    const takes = (insn: Insn): boolean => {
      const second = insn.code === LD_IMM64 ? [{ ...exit, code: 0 }] : [];
      try {
        compile({ ...around, insns: [insn, ...second, ...Array(17).fill(exit)] }, profileNamed("linux-7.2")!);
        return true;
      } catch {
        return false;
      }
    };
    const taken = Array.from({ length: 256 }, (_, code) => code).filter((code) =>
      operands.some((each) => takes({ code, dst: 1, src: 2, off: 0, imm: 0, ...each })),
    );
    const known = new Set([...FORMS.map(({ code }) => code), LD_IMM64]);
    expect(taken.filter((code) => !known.has(code))).toEqual([]);
    expect([...known].filter((code) => !taken.includes(code))).toEqual([]);
  });
});
