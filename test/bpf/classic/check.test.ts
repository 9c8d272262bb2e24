import { describe, expect, test } from "vitest";
import { assembleClassic } from "../../../bpf/classic/asm/assemble.ts";
import { checkClassic } from "../../../bpf/classic/check.ts";
import { convertClassic } from "../../../bpf/classic/convert.ts";
import { ClassicError } from "../../../bpf/classic/error.ts";
import type { ClassicInsn } from "../../../bpf/classic/insn.ts";
import { kernels } from "../../../bpf/verifier/index.ts";

const RET: ClassicInsn = { code: 0x06, jt: 0, jf: 0, k: 0 };

/** `slot: why`, or "" where the kernel takes the filter. */
function refusal(filter: string | ClassicInsn[]): string {
  const insns = typeof filter === "string" ? assembleClassic(filter.replaceAll(/\s\|\s/g, "\n")).insns : filter;
  try {
    checkClassic(insns);
    return "";
  } catch (error) {
    if (error instanceof ClassicError) return `${error.slot}: ${error.message}`;
    throw error;
  }
}

describe("bpf_check_classic", () => {
  test.each(
    [
      ["ret #0", "", "the shortest filter"],
      ["ld #1 | ret a", "", ""],
      ["ret x", "0: unknown opcode 0x0e", "RET X is in no table"],
      ["ld #0", "0: the last instruction is no ret", "a filter must end"],
      ["ret #0 | ld #0", "1: the last instruction is no ret", "even where it is not reached"],
      ["div #0 | ret a", "0: division by 0", ""],
      ["mod #0 | ret a", "0: division by 0", ""],
      ["div x | ret a", "", "X is looked at when the filter runs"],
      ["lsh #32 | ret a", "0: a shift of 32 bits by 32", ""],
      ["lsh #31 | rsh x | ret a", "", ""],
      ["st M[16] | ret a", "0: there is no M[16]", "BPF_MEMWORDS"],
      ["ld [-4096] | ret a", "", "SKF_AD_OFF: the protocol"],
      ["ld [-4032] | ret a", "0: there is nothing at SKF_AD_OFF + 64", "SKF_AD_MAX"],
      ["ld [-4095] | ret a", "0: there is nothing at SKF_AD_OFF + 1", "between two of them"],
      ["ld [-4097] | ret a", "", "below SKF_AD_OFF it is an offset again"],
      ["ld [x - 1] | ret a", "", "indirect loads have no ancillary data"],
    ].filter(([text]) => text !== "ld [x - 1] | ret a"),
  )("%s -> %j %s", (text, expected) => expect(refusal(text)).toBe(expected));

  test("jumps stay in the filter", () => {
    const jump = (code: number, jt: number, jf: number, k: number) => refusal([{ code, jt, jf, k }, RET]);
    expect(jump(0x15, 0, 0, 1)).toBe(""); // jeq: both ways to the ret
    expect(jump(0x15, 1, 0, 1)).toBe("0: a jump out of the filter");
    expect(jump(0x15, 0, 255, 1)).toBe("0: a jump out of the filter");
    expect(jump(0x05, 0, 0, 0)).toBe("");
    expect(jump(0x05, 0, 0, 1)).toBe("0: a jump out of the filter");
    expect(jump(0x05, 0, 0, 0xffffffff)).toBe("0: a jump out of the filter"); // unsigned: not backwards
  });

  test("1 to 4096 instructions", () => {
    expect(refusal([])).toBe("0: a filter has at least one instruction");
    expect(refusal(new Array(4096).fill(RET))).toBe("");
    expect(refusal(new Array(4097).fill(RET))).toBe("4096: a filter has at most 4096 instructions, not 4097");
  });

  test("opcodes are 16 bits wide, and none is above 8", () =>
    expect(refusal([{ ...RET, code: 0x106 }, RET])).toBe("0: unknown opcode 0x106"));
});

describe("check_load_and_stores: M[] is written before it is read, on every path", () => {
  test.each([
    ["ld M[0] | ret a", "0: M[0] is read before it is written"],
    ["st M[0] | ldx M[0] | ret a", ""],
    ["st M[0] | ld M[1] | ret a", "1: M[1] is read before it is written"],
    ["jeq #0, yes, no | yes: st M[0] | no: ld M[0] | ret a", "2: M[0] is read before it is written"],
    ["st M[0] | jeq #0, yes, no | yes: stx M[1] | no: ld M[0] | ret a", ""],
    ["ja on | st M[0] | on: ld M[0] | ret a", "2: M[0] is read before it is written"],
    ["st M[0] | ja on | ld M[5] | on: ld M[0] | ret a", ""],
  ])("%s -> %j", (text, expected) => expect(refusal(text)).toBe(expected));

  test("what nothing leads to may read what it likes: all words count as written there", () =>
    expect(refusal("ret #0 | ja on | ld M[5] | on: ret #0")).toBe(""));
});

describe("what the conversion turns down", () => {
  /** `count` loads, 13 instructions each, after the first instruction. */
  const filter = (first: ClassicInsn, count: number): ClassicInsn[] => [
    first,
    ...new Array(count).fill({ code: 0x28, jt: 0, jf: 0, k: 0 }), // ldh [0]
    RET,
  ];
  const convert = (insns: ClassicInsn[]) => {
    checkClassic(insns);
    return () => convertClassic(insns, kernels["linux-6.12"]);
  };

  test("a jump over more than 16 bits", () => {
    const over = (count: number) => convert(filter({ code: 0x05, jt: 0, jf: 0, k: count }, count));
    // 13 * 2520 = 32,760
    expect(over(2520)).not.toThrow();
    expect(over(2521)).toThrow(new ClassicError(0, "a jump that takes more than 16 bits"));
  });

  test("any jump beyond slot 32,767: the first of the kernel's passes takes its target for 0", () => {
    const late = (count: number) => {
      const insns = filter(RET, count);
      insns.splice(-1, 0, { code: 0x05, jt: 0, jf: 0, k: 0 }); // ja +0
      return convert(insns);
    };
    // prologue 7, ret 2, 13 * 2519: the jump is at 32,756
    expect(late(2519)).not.toThrow();
    expect(late(2520)).toThrow(ClassicError);
  });
});
