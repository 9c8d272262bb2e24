import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { disassemble } from "../../bpf/disasm/disassemble.ts";
import type { Insn } from "../../bpf/insn.ts";
import { BPF_ALU, BPF_ALU64, BPF_MOV, BPF_REG_AX, BPF_XOR, isX, JA, JA32, LD_IMM64, opOf } from "../../bpf/opcode.ts";
import { blindConstants } from "../../jit/blind.ts";
import { JitError } from "../../jit/error.ts";
import type { JitFunction } from "../../jit/function.ts";
import { functions, isJump } from "./arbitraries.ts";
import { compile, functionOf, profileOf } from "./x86/function.ts";

/** Draws 0x1000, 0x2000, 0x3000 ... */
function counter(): () => number {
  let drawn = 0;
  return () => 0x1000 * ++drawn;
}

/** The text, blinded, is what the other text says. */
const specify = (why: string, text: string, expected: string): void =>
  it(why, () => {
    const { insns } = blindConstants(functionOf(text), counter());
    expect(disassemble(insns)).toEqual(disassemble(functionOf(expected).insns));
  });

describe("blindConstants: an immediate that a user may choose is loaded as two numbers whose xor it is", () => {
  specify(
    "arithmetic: as wide as the operation",
    "r1 += 5\nw1 *= 5",
    `
    r11 = 0x1005         # 5 ^ 0x1000, the first number drawn
    r11 ^= 0x1000
    r1 += r11
    w11 = 0x2005         # each instruction draws anew
    w11 ^= 0x2000
    w1 *= w11
  `,
  );

  specify(
    "division keeps its sign, which is in off",
    "r1 s/= 5",
    `
    r11 = 0x1005
    r11 ^= 0x1000
    r1 s/= r11
  `,
  );

  specify(
    "a move of 0 tells nothing: no number is drawn, and it is 64 bits wide even for w1",
    "w1 = 0\nr2 = 7",
    `
    r1 ^= r1
    r11 = 0x1007
    r11 ^= 0x1000
    r2 = r11
  `,
  );

  specify(
    "LD_IMM64: the upper half comes first, with the first number; the lower is or'ed in",
    "r1 = 0x1111111122222222 ll",
    `
    r11 = 0x11110111     # 0x11111111 ^ 0x1000
    r11 ^= 0x1000
    r11 <<= 0x20
    r1 = r11
    w11 = 0x22220222     # 0x22222222 ^ 0x2000
    w11 ^= 0x2000
    r1 |= r11
  `,
  );

  specify(
    "conditions: the jump becomes one of two registers; its target moves with the code",
    `
    if r1 == 5 goto out
    r2 = 1
    if w1 s> -1 goto out
    out:
    exit
  `,
    `
    r11 = 0x1005
    r11 ^= 0x1000
    if r1 == r11 goto out
    r11 = 0x2001
    r11 ^= 0x2000
    r2 = r11
    w11 = -0x3001        # -1 ^ 0x3000
    w11 ^= 0x3000
    if w1 s> w11 goto out
    out:
    exit
  `,
  );

  specify(
    "a jump back goes to the first instruction of what its target became",
    `
    again:
    r1 += 1
    if r1 < 9 goto again
    goto again
  `,
    `
    again:
    r11 = 0x1001
    r11 ^= 0x1000
    r1 += r11
    r11 = 0x2009
    r11 ^= 0x2000
    if r1 < r11 goto again
    goto again
  `,
  );

  specify(
    "stores: AX is stored, whatever the size",
    "*(u8 *)(r10 - 1) = 5\n*(u64 *)(r10 - 8) = -1",
    `
    r11 = 0x1005
    r11 ^= 0x1000
    *(u8 *)(r10 - 0x1) = r11
    r11 = -0x2001
    r11 ^= 0x2000
    *(u64 *)(r10 - 0x8) = r11
  `,
  );

  it("shift counts, swaps, register forms, jumps, calls and what has AX already stay as they are", () => {
    const text = `
      r1 <<= 5
      w1 s>>= 5
      r1 = be32 r1
      r1 = -r1
      r1 += r2
      if r1 == r2 goto +0
      goto +0
      r1 = *(u32 *)(r2 + 5)
      *(u32 *)(r2 + 5) = r1
      lock *(u64 *)(r2 + 8) += r1
      call bpf_ktime_get_ns
      tail_call
      nospec
      r11 = 5
      r1 = r11
      exit`;
    const none = (): number => {
      throw new Error("a number is drawn");
    };
    expect(blindConstants(functionOf(text), none).insns).toEqual(functionOf(text).insns);
  });

  it("LD_IMM64 of a function is an address, not a number, and stays", () => {
    const [first, second, exit] = functionOf("r1 = 7 ll\nexit").insns;
    const fn = { ...functionOf("exit"), insns: [{ ...first, src: 4 }, second, exit] };
    expect(blindConstants(fn, counter()).insns).toEqual(fn.insns);
  });

  it("calls are where their instruction went", () => {
    const fn = functionOf("r1 = 5\ncall bpf_ktime_get_ns\nexit");
    expect([...blindConstants(fn, counter()).calls]).toEqual([[3, fn.calls.get(1)]]);
  });

  it("a jump that blinding moves out of the reach of 16 bits is refused, as bpf_adj_branches does", () => {
    const [add, exit] = functionOf("r1 += 5\nexit").insns;
    const over = (jump: Partial<Insn>): JitFunction => ({
      ...functionOf("exit"),
      insns: [{ ...exit, ...jump }, ...Array.from({ length: 11000 }, () => add), exit],
    });
    expect(() => blindConstants(over({ code: JA, off: 11000 }), counter())).toThrow(
      new JitError("f: a jump gets out of reach", 0),
    );
    const long = blindConstants(over({ code: JA32, imm: 11000 }), counter());
    expect(long.insns[0].imm).toBe(33000);
  });
});

/** What `AX = a; AX ^= b` in a row loads, in order. */
function hidden(insns: readonly Insn[]): number[] {
  const isAx = (insn: Insn | undefined, op: number): boolean =>
    insn?.dst === BPF_REG_AX && [BPF_ALU | op, BPF_ALU64 | op].includes(insn.code);
  return insns.flatMap((insn, i) =>
    isAx(insn, BPF_MOV) && isAx(insns[i + 1], BPF_XOR) ? [insn.imm ^ insns[i + 1].imm] : [],
  );
}

const BLINDED_ALU = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x90, 0xa0, 0xb0];

/** Immediates of the function that a user could choose, as blinding meets them. */
const chosen = ({ insns }: JitFunction): number[] =>
  insns.flatMap(({ code, imm }, slot) => {
    if (insns[slot - 1]?.code === LD_IMM64) return [insns[slot].imm, insns[slot - 1].imm];
    const cls = code & 7;
    if ((cls === 4 || cls === 7) && !isX(code) && BLINDED_ALU.includes(opOf(code)))
      return opOf(code) === BPF_MOV && imm === 0 ? [] : [imm];
    if ((cls === 5 || cls === 6) && !isX(code) && isJump(insns[slot]) && opOf(code) !== 0) return [imm];
    return cls === 2 && (code & 0xe0) === 0x60 ? [imm] : [];
  });

describe("blindConstants, of any function", () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1 });
  const blind = (fn: JitFunction, randoms: number[]): { out: JitFunction; drawn: number } => {
    let drawn = 0;
    const out = blindConstants(fn, () => randoms[drawn++ % randoms.length]);
    return { out, drawn };
  };

  it("hides each of them, in order, with one number each, and keeps nothing else of them", () => {
    fc.assert(
      fc.property(functions, numbers, (fn, randoms) => {
        const { out, drawn } = blind(fn, randoms);
        expect(hidden(out.insns)).toEqual(chosen(fn));
        expect(drawn).toBe(chosen(fn).length);
        const bare = out.insns.filter(({ dst }) => dst !== BPF_REG_AX);
        expect(chosen({ ...out, insns: bare })).toEqual([]);
      }),
    );
  });

  it("jumps go to the first of what their target became", () => {
    fc.assert(
      fc.property(functions, numbers, (fn, randoms) => {
        const { insns, origin } = blind(fn, randoms).out;
        const first = (slot: number): number => origin!.indexOf(slot);
        const last = (slot: number): number => origin!.lastIndexOf(slot);
        const distance = (insn: Insn): number => (insn.code === JA32 ? insn.imm : insn.off);
        fn.insns.forEach((insn, slot) => {
          if (!isJump(insn)) return;
          const target = slot + 1 + distance(insn);
          expect(last(slot) + 1 + distance(insns[last(slot)])).toBe(first(target));
        });
      }),
    );
  });

  it("leaves no constant in the code: an attacker's bytes appear nowhere", () => {
    const SPRAY = 0x3c909090; // nop; nop; nop; cmp al, imm8: what a jump into the middle of `mov eax, imm` runs
    const text = `
      r1 = ${SPRAY}
      w1 = ${SPRAY}
      r1 += ${SPRAY}
      w1 ^= ${SPRAY}
      r1 /= ${SPRAY}
      r1 = 0x3c9090903c909090 ll
      if r1 == ${SPRAY} goto +0
      if w1 & ${SPRAY} goto +0
      *(u32 *)(r10 - 8) = ${SPRAY}
      *(u64 *)(r10 - 8) = ${SPRAY}
      exit`;
    const found = (fn: JitFunction): number =>
      Buffer.from(compile(fn, profileOf("linux-6.12")).bytes)
        .toString("hex")
        .split("9090903c").length - 1;
    expect(found(functionOf(text))).toBe(11);
    expect(found(blindConstants(functionOf(text), () => 0x5aa5f00f))).toBe(0);
  });
});
