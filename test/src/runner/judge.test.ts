import { describe, expect, test } from "vitest";
import { mismatches, run } from "./rig.ts";

/** Breaks tail-call-limit on 6.1 (33 + 33 tail calls), and holds on 6.12. */
const scenario = (rest: string) => `title: t
maps:
  jmp: { type: prog_array, max_entries: 1, values: { 0: main } }
programs:
  main: |
    main:
      r6 = r1
      call sub
      r1 = r6
      call sub
      r0 = 1
      exit
    sub:
      r2 = jmp ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
${rest}`;

describe("breaks", () => {
  test("declared and found: the scenario says what this kernel does", () => {
    const text = scenario("breaks: { linux-6.1: { checks: [tail-call-limit] } }");
    expect(run(text, "linux-6.1")).toMatchObject({ verdict: "breaks", mismatches: [] });
    expect(run(text, "linux-6.12")).toMatchObject({ verdict: "pass", findings: [] });
  });

  test("found, but not declared: fail", () => {
    expect(run(scenario(""), "linux-6.1")).toMatchObject({ verdict: "fail", findings: [{ check: "tail-call-limit" }] });
  });

  test("declared, but not found: fail, at the check's place", () => {
    const text = scenario("breaks: { linux-6.12: { checks: [tail-call-limit] } }");
    expect(run(text, "linux-6.12").verdict).toBe("fail");
    expect(mismatches(text, "linux-6.12")).toEqual([
      "breaks.linux-6.12.checks.0 at tail-call-limit: tail-call-limit is broken is it holds",
    ]);
  });

  test("another check than the declared one: fail for both", () => {
    const text = scenario("breaks: { linux-6.1: { checks: [callee-saved] } }");
    const result = run(text, "linux-6.1");
    expect(result.verdict).toBe("fail");
    expect(result.findings.map(({ check }) => check)).toEqual(["tail-call-limit"]);
    expect(result.mismatches.map(({ expected }) => expected)).toEqual(["callee-saved is broken"]);
  });

  test("a value that is different there, without a broken contract", () => {
    const text = (r0: number) => `title: t
programs:
  main: |
    main:
      r0 = 1
      exit
expect: { r0: 2, tail_calls: 0 }
breaks: { linux-6.1: { r0: ${r0} } }
`;
    expect(run(text(1), "linux-6.1")).toMatchObject({ verdict: "breaks", mismatches: [] });
    expect(mismatches(text(3), "linux-6.1")).toEqual(["breaks.linux-6.1.r0 at 3: 3 is 1"]);
    expect(mismatches(text(1), "linux-6.12")).toEqual(["expect.r0 at 2: 2 is 1"]);
  });

  test("a kernel's variants break as it does, unless they say otherwise", () => {
    const text = scenario("breaks: { linux-6.1: { checks: [tail-call-limit] } }");
    expect(run(text, "linux-6.1+mitoff").verdict).toBe("breaks");
  });
});

describe("profiles", () => {
  test("a scenario is skipped on those that it is not about, and says why", () => {
    const text = scenario("profiles: [linux-6.12, linux-7.*]");
    expect(run(text, "linux-6.1")).toMatchObject({
      verdict: "skip",
      reason: "is about linux-6.12, linux-7.*",
      findings: [],
      mismatches: [],
    });
    expect(run(text, "linux-7.2").verdict).toBe("pass");
  });
});
