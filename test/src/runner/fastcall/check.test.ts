import { describe, expect, test } from "vitest";
import { assembleScenario } from "../../../../src/runner/build.ts";
import { runScenario } from "../../../../src/runner/scenario.ts";
import { parseScenario } from "../../../../src/scenario/load.ts";

/** Findings of the contract `fastcall` for a raw tracepoint's program. */
function findings(profile: string, code: string, more = "") {
  const indented = code.trim().replaceAll(/^ */gm, "      ");
  const text = `title: t\nprograms:\n  entry:\n    type: raw_tracepoint\n    code: |\n${indented}\n${more}`;
  const scenario = parseScenario(text, "t.yaml");
  const result = runScenario(scenario, assembleScenario(scenario), profile);
  return result.findings.filter(({ check }) => check === "fastcall");
}

const WRONG = "linux-6.12+fastcall-no-register";
/** R1 is moved to R2 by way of a slot; without the condition both instructions go. */
const MOVED = `
  r1 = 1
  r2 = 2
  *(u64 *)(r10 - 16) = r1
  call bpf_get_smp_processor_id
  r2 = *(u64 *)(r10 - 16)`;

describe("where spills and fills are removed, every register that is read later is as with them", () => {
  test("the finding names register, values, instruction and line", () => {
    expect(findings(WRONG, `${MOVED}\nr3 = 3\nr0 += r2\nexit`)).toMatchObject([
      {
        message: "R2 (rsi) is not what it is with the spills and fills around the call kept",
        expected: "R2 = 0x1",
        actual: "0x2",
        function: "entry",
        bpf: "r3 = 3",
        line: 11,
      },
    ]);
  });

  test("a register that nobody reads may differ", () => {
    expect(findings(WRONG, `${MOVED}\nexit`)).toEqual([]);
    expect(findings(WRONG, `${MOVED}\nr2 = 5\nr0 += r2\nexit`)).toEqual([]);
  });

  test("what a message prints is read", () => {
    const print = `${MOVED.replaceAll("r2", "r3")}\nr1 = r10\nr1 += -8\n*(u64 *)(r1 + 0) = 0x7825\nr2 = 3\ncall bpf_trace_printk\nexit`;
    expect(findings(WRONG, print)).toMatchObject([
      { bpf: "call bpf_trace_printk", expected: "R3 = 0x1", actual: "0x2" },
    ]);
  });

  const PAIRS = `
    r1 = 1
    r2 = 2
    r3 = 3
    *(u64 *)(r10 - 24) = r1
    *(u64 *)(r10 - 32) = r2
    *(u64 *)(r10 - 40) = r3
    call bpf_get_smp_processor_id
    r3 = *(u64 *)(r10 - 40)
    r2 = *(u64 *)(r10 - 32)
    r1 = *(u64 *)(r10 - 24)`;

  test("pointers to the stack are no difference, though a callee's is elsewhere when its caller's is smaller", () => {
    const callee = "call sub\nexit\nsub:\nr1 = r10\nr1 += -8\n*(u64 *)(r1 + 0) = 5\nr0 = *(u64 *)(r1 + 0)\nexit";
    expect(findings("linux-6.12", `${PAIRS}\n${callee}`, "expect: { r0: 5 }\n")).toEqual([]);
  });

  test("nor are pointers to code, which is elsewhere when what is in front of it is shorter", () => {
    const callback = `r4 = 0\nr3 = 0\nr2 = cb ll\nr1 = 2\nr6 = r2\ncall bpf_loop\nr0 = 5\nexit\ncb:\nr0 = 0\nexit`;
    expect(findings("linux-6.12", `${PAIRS}\n${callback}`, "expect: { r0: 5 }\n")).toEqual([]);
  });

  test("a branch that goes the other way is told of by the register that it looks at", () => {
    const unknown = MOVED.replace("r1 = 1", "r1 = *(u64 *)(r1 + 0)");
    const branch = `${unknown}\nif r2 == 1 goto one\nr0 = 4\nexit\none:\nr0 = 5\nexit`;
    expect(findings(WRONG, branch, "context: { args: [1] }\n")).toMatchObject([
      { bpf: "if r2 == 1 goto +2", expected: "R2 = 0x1" },
    ]);
  });

  test("every round of a loop is looked at, and every run", () => {
    const loop = `
      r6 = 0
      r2 = 1
    again:
      r1 = r6
      *(u64 *)(r10 - 16) = r1
      call bpf_get_smp_processor_id
      r2 = *(u64 *)(r10 - 16)
      r6 += r2
      r6 += 1
      if r6 != 3 goto again
      r0 = r6
      exit`;
    // the second round adds R1, which is 1, and not the R2 of the round before
    expect(findings(WRONG, loop)).toMatchObject([{ expected: "R2 = 0x0", actual: "0x1" }]);
    expect(findings("linux-6.12", loop)).toEqual([]);
  });

  test("nothing is compared where the program is disturbed, or does not fit the stack with them", () => {
    const probe = "  probe: |\n    r0 = 0\n    exit\nevents: [{ at: instruction 3, interrupt: probe }]\n";
    expect(findings(WRONG, `${MOVED}\nr0 += r2\nexit`, probe)).toEqual([]);
    const deep = `
      r1 = 1
      *(u64 *)(r10 - 512) = r1
      *(u64 *)(r10 - 520) = r1
      call bpf_get_smp_processor_id
      r2 = *(u64 *)(r10 - 520)
      r0 += r2
      exit`;
    expect(findings(WRONG, deep)).toEqual([]);
  });
});
