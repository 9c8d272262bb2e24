import { describe, expect, test } from "vitest";
import { FASTCALL_GUARDS } from "../../bpf/verifier/fastcall/features.ts";
import { catalogue, verdicts } from "./shipped.ts";

const scenarios = catalogue.filter(({ id }) => id.startsWith("fastcall/"));
const on = (variant: string) => verdicts(scenarios, [`linux-6.12+fastcall-${variant}`]);

/** "R1 (rdi) is not ...", "entry did not preserve rbx" */
const REGISTER = /\bR\d \(r\w+\)|\b(rbx|rbp|r1[2-5])\b/;

describe("scenarios/fastcall", () => {
  test("has a counterpart for each of the 29 programs of the kernel's selftest", () => {
    const named = scenarios.flatMap(
      ({ source }) => /^selftest verifier_bpf_fastcall, (.*)/.exec(source ?? "")?.[1] ?? [],
    );
    expect(named.flatMap((names) => names.split(" and "))).toHaveLength(29);
  });

  // a condition that no scenario needs would be none
  test.each(Object.keys(FASTCALL_GUARDS))(
    "without the condition %s some scenarios break as they say, and a finding names the register",
    async (guard) => {
      const results = await on(`no-${guard}`);
      expect(results.filter(({ verdict }) => verdict === "fail").map(({ scenario }) => scenario)).toEqual([]);
      const own = scenarios.filter(({ breaks }) => breaks.some(({ profile }) => profile.endsWith(`-no-${guard}`)));
      expect(own.length).toBeGreaterThan(0);
      for (const { id } of own) {
        const { verdict, findings } = results.find(({ scenario }) => scenario === id)!;
        expect(verdict, id).toBe("breaks");
        expect(findings.map(({ message }) => message).join("\n"), id).toMatch(REGISTER);
      }
    },
  );

  test.each(["rfc", "jit"])("%s: everything but what the kernel breaks holds", async (variant) => {
    expect((await on(variant)).filter(({ verdict }) => verdict === "fail")).toEqual([]);
  });

  test.each(["off", "strict"])("%s: nothing breaks, not even what the kernel breaks", async (variant) => {
    const verdict = (await on(variant)).filter(({ verdict }) => verdict !== "pass" && verdict !== "skip");
    expect(verdict.map(({ scenario }) => scenario)).toEqual([]);
  });
});
