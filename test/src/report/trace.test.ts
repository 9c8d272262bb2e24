import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { kernels, verify } from "../../../bpf/verifier/index.ts";
import { stepJson } from "../../../src/report/trace/json.ts";
import { TraceText } from "../../../src/report/trace/pretty.ts";
import { ProgramBook } from "../../../src/runner/code-book.ts";
import type { TracedStep } from "../../../src/runner/trace/step.ts";

const source = { file: "src/count.c", line: 12, text: "\tcount += 1;" };

const step: TracedStep = {
  index: 3,
  icount: 3,
  instruction: {
    pc: 0xffffffffc0000010n,
    function: "count",
    offset: 16,
    bytes: Uint8Array.of(0x48, 0x83, 0xc6, 0x01),
    asm: "addq $0x1, %rsi",
    from: [{ insn: 4, text: "r2 += 1", source }],
    isModel: false,
  },
  registers: [{ name: "rsi", old: 0n, now: 1n }],
  writes: [],
};

describe("a program compiled from C", () => {
  test("shows the C line behind each BPF instruction", () => {
    expect(new TraceText(pc.createColors(false), "count.bpf.o").step(step)).toBe(
      `         4: r2 += 1  count.c:12  count += 1;
       3 count+0x10                   4883c601             addq $0x1, %rsi                    rsi 0x0 -> 0x1
`,
    );
  });

  test("has it in JSON, too", () => {
    expect(JSON.parse(stepJson(1, step)).bpf).toEqual([{ insn: 4, text: "r2 += 1", source }]);
  });

  test("is asked for the line of the instruction as it was loaded", () => {
    const book = new ProgramBook();
    const xlated = verify({ name: "p", type: 3, ...assemble("r0 = 1\nexit") }, [], kernels["linux-6.12"]);
    book.add(
      "p",
      xlated,
      () => undefined,
      (origin) => (origin === 1 ? source : undefined),
    );
    expect([0, 1].map((slot) => book.bpf("p", slot))).toEqual([
      { text: "r0 = 1", line: undefined },
      { text: "exit", line: undefined, source },
    ]);
  });
});
