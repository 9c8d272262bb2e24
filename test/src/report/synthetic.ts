import picocolors from "picocolors";
import type { Finding } from "../../../src/checks/finding.ts";
import type { Reporter, ReportOptions } from "../../../src/report/report.ts";
import type { RunResult } from "../../../src/runner/result.ts";

export const limit: Finding = {
  check: "tail-call-limit",
  message: "the 34th tail call was taken",
  function: "entry#subprog_tail",
  pc: 0xffffffffc0001042n,
  offset: 0x42,
  asm: "jmpq *%rcx",
  insn: 15,
  bpf: "call bpf_tail_call",
  line: 31,
  expected: "at most 33",
  actual: "34",
};

export function result(scenario: string, profile: string, change: Partial<RunResult> = {}): RunResult {
  return {
    scenario,
    title: `Title of ${scenario}`,
    file: `scenarios/${scenario}.yaml`,
    profile,
    verdict: "pass",
    r0: 1n,
    tailCalls: 33n,
    instructions: 1234,
    maxStack: 256,
    findings: [],
    mismatches: [],
    ms: 12,
    ...change,
  };
}

const r0 = { path: "expect.r0", expected: "1", actual: "18446744073709551615", line: 36, column: 7 };
const jited = {
  path: "expect.jited.linux-6.12.entry",
  expected: "L0: pushq %rbp\n    retq\n",
  actual: "L0: pushq %rbp\n    movq <%rsp>, %rbp & more\n    retq\n",
  line: 40,
  column: 12,
};

/** One of everything a report must tell. */
export const results: RunResult[] = [
  result("hierarchy/two-calls", "linux-6.1", { verdict: "breaks", tailCalls: 17179869182n, findings: [limit] }),
  result("hierarchy/two-calls", "linux-6.12"),
  result("basic/exit", "linux-6.1", { tailCalls: 0n }),
  result("basic/exit", "linux-6.12", { verdict: "skip", reason: "profiles: linux-6.1" }),
  result("basic/limit", "linux-6.1", { verdict: "fail", findings: [limit], mismatches: [r0], r0: undefined }),
  result("basic/limit", "linux-6.12", { verdict: "fail", findings: [limit], mismatches: [r0], r0: undefined }),
  result("basic/code, 100%", "linux-6.12", { verdict: "fail", mismatches: [jited], r0: 2n ** 64n - 1n }),
  result("basic/none", "linux-6.1", { verdict: "skip", reason: "profiles: rfc-*" }),
  result("basic/crash", "linux-6.1", { verdict: "fail", reason: "the engine gave up <\u0007>" }),
];

export async function* stream(all: readonly RunResult[]): AsyncIterable<RunResult> {
  yield* all;
}

/** What a reporter writes for results, without colours unless asked for. */
export async function render(
  reporter: Reporter,
  all = results,
  options: Partial<ReportOptions> & { color?: boolean } = {},
) {
  let text = "";
  const summary = await reporter(stream(all), {
    write: (part) => {
      text += part;
    },
    colors: picocolors.createColors(options.color ?? false),
    elapsed: () => 1234,
    width: 80,
    ...options,
  });
  return { text, summary };
}
