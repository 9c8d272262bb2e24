import { describe, expect, test } from "vitest";
import { hunt } from "../../../src/mutants/run.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const scenario = (code: string, expectation: string) =>
  parseScenario(`title: t\nprograms:\n  entry: |\n${code}\nexpect: ${expectation}\n`, "t.yaml");

const verdicts = async (code: string, expectation: string, filter: RegExp) =>
  Object.fromEntries(
    (await hunt({ scenarios: [scenario(code, expectation)], profiles: ["linux-6.12"], filter, jobs: 1 }, () => {})).map(
      ({ operator, verdict }) => [operator, verdict],
    ),
  );

describe("mutants of one addition", () => {
  test("a result that depends on both operands kills sub for add", async () => {
    const code = "    r1 = 5\n    r0 = 3\n    r0 += r1\n    exit";
    expect(await verdicts(code, "{ r0: 8 }", /^add64 reg/)).toMatchObject({ lost: "killed", "sub for add": "killed" });
  });

  test("one that adds 0 does not; one whose upper half is empty does not see the width", async () => {
    const code = "    r1 = 0\n    r0 = 3\n    r0 += r1\n    exit";
    const all = await verdicts(code, "{ r0: 3 }", /^add64 reg/);
    expect(all).toMatchObject({ "sub for add": "survived", "no REX.W": "survived" });
  });

  test("a survivor tells its bytes, and who executes it in vain", async () => {
    const request = { profiles: ["linux-6.12"], filter: /^add64 reg.*no REX.W$/, jobs: 1 };
    const code = "    r1 = 5\n    r0 = 3\n    r0 += r1\n    exit";
    const [one] = await hunt({ ...request, scenarios: [scenario(code, "{ r0: 8 }")] }, () => {});
    expect(one).toMatchObject({ verdict: "survived", reachedBy: ["t"], notice: "the upper half of the result" });
    expect(one.sample.before).toEqual(["4801f8", "addq %rdi, %rax"]);
    expect(one.sample.after).toEqual(["4001f8", "addl %edi, %eax"]);
  });

  test("code that is jumped over is executed by nobody", async () => {
    const code = "    r0 = 1\n    goto out\n    r0 += r1\n  out:\n    exit".replace("  out", "    out");
    const request = { profiles: ["linux-4.10"], filter: /^add64 reg.*lost$/, jobs: 1 };
    const results = await hunt(
      { ...request, scenarios: [scenario(code.replace("goto out", "if r0 == 1 goto out"), "{ r0: 1 }")] },
      () => {},
    );
    expect(results.map(({ verdict, reachedBy }) => [verdict, reachedBy])).toEqual([["survived", []]]);
  });

  test("an endless loop ends", async () => {
    const code =
      "    entry:\n      r1 = 3\n      r0 = 0\n    again:\n      r0 += 1\n      if r0 != r1 goto again\n      exit";
    expect(await verdicts(code, "{ r0: 3 }", /^add64 imm.*lost/)).toEqual({ lost: "killed" });
  });
});
