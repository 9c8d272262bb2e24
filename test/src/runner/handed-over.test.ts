import { describe, expect, test } from "vitest";
import { assembleScenario } from "../../../src/runner/build.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const run = (code: string, rest = "") => {
  const program = `programs:\n  p:\n    form: xlated\n    code: |\n      ${code.replaceAll("\n", "\n      ")}\n`;
  const scenario = parseScenario(`title: t\n${rest}${program}`, "x.yaml");
  return runScenario(scenario, assembleScenario(scenario), "linux-6.12");
};

describe("form: xlated, the verifier's hand-over in place of a program", () => {
  test("what no verifier lets pass is compiled and run: R3 was never written", () =>
    expect(run("r0 = r3\nr0 = 7\nexit")).toMatchObject({ verdict: "pass", r0: 7n }));

  test("kernel-internal instructions are: this CPU's offset", () =>
    expect(run("r0 = 0\nr0 = &(void __percpu *)(r0)\nexit").r0).toBeGreaterThan(0xffff000000000000n));

  test("helpers can be called, and the stack is there", () =>
    expect(
      run("*(u64 *)(r10 - 512) = 3\ncall bpf_get_smp_processor_id\nr1 = *(u64 *)(r10 - 512)\nr0 += r1\nexit").r0,
    ).toBe(3n));

  test.each([
    ["a subprogram", "call sub\nexit\nsub:\nr0 = 0\nexit", ""],
    ["a map", "r1 = m ll\nr0 = 0\nexit", "maps: { m: { type: array, value_size: 8, max_entries: 1 } }\n"],
  ])("%s needs a verifier: one clear line", (_, code, rest) =>
    expect(() => run(code, rest)).toThrow("expected one function without maps, in the form xlated"),
  );
});
