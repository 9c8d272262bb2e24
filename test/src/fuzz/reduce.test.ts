import { expect, test } from "vitest";
import { programText, reduce } from "../../../src/fuzz/reduce.ts";
import { assembleScenario } from "../../../src/runner/build.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/index.ts";

const settings = { seed: 1, profiles: ["linux-6.12"], strict: false, verifyEvery: 0 };

function run(text: string, profile: string) {
  const scenario = parseScenario(text, "found.yaml");
  return runScenario(scenario, assembleScenario(scenario), profile);
}

test("a generated program becomes a scenario, which holds where the kernel does", () => {
  for (let index = 0; index < 12; index++) {
    const { verdict, findings, mismatches } = run(programText(settings, index), "linux-6.12");
    expect({ index, verdict, findings, mismatches }).toEqual({ index, verdict: "pass", findings: [], mismatches: [] });
  }
});

test("a disagreement becomes a small scenario, which fails on that profile and holds on others", () => {
  const broken = { ...settings, profiles: ["rfc-task-struct-v3"] };
  const found = { profile: "rfc-task-struct-v3", what: "arguments", step: 0, expected: "", actual: "" };
  const { text, slots } = reduce(broken, { index: 0, disagreement: found });
  expect(slots).toBeLessThan(12);
  expect(run(text, "rfc-task-struct-v3").findings.map(({ check }) => check)).toContain("arguments");
  expect(run(text, "linux-6.12").verdict).toBe("pass");
});
