import { describe, expect, test } from "vitest";
import { FASTCALL_GUARDS } from "../../bpf/verifier/fastcall/features.ts";
import { rewritten } from "../../src/runner/code/rewritten.ts";
import { appliesTo } from "../../src/scenario/expect.ts";
import { catalogue, verdicts } from "./shipped.ts";

const scenarios = catalogue.filter(({ id }) => id.startsWith("fastcall/"));
const on = (variant: string, some = scenarios) => verdicts(some, [`linux-6.12+fastcall-${variant}`]);

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
      const own = scenarios.filter(({ breaks }) => breaks.some(({ profile }) => profile.endsWith(`-no-${guard}`)));
      expect(own.length).toBeGreaterThan(0);
      for (const { scenario, verdict, findings } of await on(`no-${guard}`, own)) {
        expect(verdict, scenario).toBe("breaks");
        expect(findings.map(({ message }) => message).join("\n"), scenario).toMatch(REGISTER);
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

  test("saves machine instructions and bytes of stack, counted on the machine", async () => {
    const table = scenarios.flatMap((scenario) => {
      if (!appliesTo(scenario, "linux-6.12")) return [];
      const { runs } = rewritten(scenario, "linux-6.12");
      if (!runs?.kept) return [];
      const { removed, kept } = runs;
      const of = (key: "instructions" | "maxStack") =>
        `${String(kept[key]).padStart(4)} -> ${String(removed[key]).padEnd(4)}`;
      return [`${scenario.id.padEnd(44)} ${of("instructions")} ${of("maxStack")}`.trimEnd()];
    });
    const head = `${"linux-6.12: with spills kept -> removed".padEnd(44)} instructions bytes of stack`;
    await expect(`${[head, ...table].join("\n")}\n`).toMatchFileSnapshot("golden/fastcall-savings.txt");
  });
});
