import { describe, expect, test } from "vitest";
import { EQUIVALENCES, reasonFor } from "../../../src/mutants/equivalent.ts";
import { hunt } from "../../../src/mutants/run.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const scenario = (code: string) =>
  parseScenario(`title: t\nprograms:\n  entry: |\n${code}\nexpect: { r0: 0 }\n`, "t.yaml");
const verdicts = async (code: string, filter: RegExp) =>
  (await hunt({ scenarios: [scenario(code)], profiles: ["linux-6.12"], filter, jobs: 1 }, () => {})).map(
    ({ operator, verdict, reason }) => [operator, verdict, reason],
  );

describe("an equivalent mutant", () => {
  test("clears a register by xor in another width", async () => {
    const [, same] = EQUIVALENCES.map(({ reason }) => reason);
    expect(same).toContain("movzx");
    expect(await verdicts("    r8 = 0\n    r0 = r8\n    exit", /^mov64 imm: xorl.*REX.W set/)).toEqual([
      ["REX.W set", "equivalent", "a register xor itself is 0 in all 64 bits, in either width"],
    ]);
  });

  test("has other bytes and the same words", async () => {
    const saved = "    r8 = 0\n    r0 = r8\n    exit";
    expect(await verdicts(saved, /^prologue: pushq %r14.*REX.W set/)).toEqual([
      ["REX.W set", "equivalent", "another encoding of the same instruction"],
    ]);
  });

  test("is none when a scenario tells it from the JIT, whatever the data says", async () => {
    expect(
      reasonFor({ profile: "linux-6.12", site: "load 8: movzbq N(r64), r64 (b6)", operator: "no REX.W" }),
    ).toBeDefined();
    expect(
      reasonFor({ profile: "linux-6.12", site: "load 8: movzbq N(r64), r64 (b6)", operator: "lost" }),
    ).toBeUndefined();
  });
});
