import { describe, expect, test } from "vitest";
import { appliesTo, breakOf, codeFor, stepsFor } from "../../../src/scenario/expect.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const scenario = parseScenario(
  `title: t
profiles: [linux-*, rfc-v3]
programs: { main: exit }
maps: { m: { type: array, value_size: 8, max_entries: 2 } }
steps:
  - { run: main, expect: { r0: 0 } }
  - { run: main, expect: { r0: 1, tail_calls: 33, maps: { m: { 0: 1, 1: 2 } } } }
expect:
  jited:
    linux-*: { main: any }
    linux-6.1: { main: old }
breaks:
  linux-6.*: { checks: [fault] }
  linux-6.1: { tail_calls: 34, maps: { m: { 1: 7 } }, checks: [tail-call-limit] }
  linux-5.10: { tail_calls: 17, maps: { m: { 1: 7 } } }
`,
  "x.yaml",
);

describe("what a scenario says about one profile", () => {
  test("it applies to the names and globs it lists", () => {
    expect(["linux-6.1", "rfc-v3", "rfc-v2"].map((profile) => appliesTo(scenario, profile))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("a profile's own name comes before a glob", () => {
    expect(breakOf(scenario, "linux-6.1")?.checks).toMatchObject([{ value: "tail-call-limit" }]);
    expect(breakOf(scenario, "linux-6.12")?.checks).toMatchObject([{ value: "fault" }]);
    expect(breakOf(scenario, "rfc-v3")).toBeUndefined();
    expect(codeFor(scenario, "linux-6.1").map((code) => code.text.value.text)).toEqual(["old"]);
    expect(codeFor(scenario, "linux-6.12").map((code) => code.text.value.text)).toEqual(["any"]);
    expect(codeFor(scenario, "rfc-v3")).toEqual([]);
  });

  test("a kernel's name speaks for its variants, too, except about machine code", () => {
    const old = parseScenario("title: t\nprofiles: [linux-6.1]\nprograms: { a: exit }", "x.yaml");
    expect(["linux-6.1+mitoff", "linux-6.12"].map((profile) => appliesTo(old, profile))).toEqual([true, false]);
    expect(breakOf(scenario, "linux-6.1+mitoff")).toBe(breakOf(scenario, "linux-6.1"));
    expect(codeFor(scenario, "linux-6.1+mitoff").map((code) => code.text.value.text)).toEqual(["any"]);
  });

  test("a variant may hold where its kernel breaks", () => {
    const holds = parseScenario(
      "title: t\nprograms: { a: exit }\nbreaks:\n  linux-6.1..: { r0: 1 }\n  linux-6.12+harden: { checks: [] }\n",
      "x.yaml",
    );
    expect(breakOf(holds, "linux-6.12+mitoff")).toBeDefined();
    expect(breakOf(holds, "linux-6.12+harden")).toBeUndefined();
  });

  test("rewritten BPF is expected of all profiles, or of some", () => {
    const head = "title: t\nprograms: { a: exit, b: exit }\nexpect:\n  xlated:\n";
    const code = parseScenario(
      `${head}    a: for all\n    linux-6.12..: { b: new }\n    linux-6.1: { b: old }\n`,
      "x.yaml",
    );
    const texts = (profile: string) => codeFor(code, profile).map(({ text }) => text.value.text);
    expect(texts("linux-6.1")).toEqual(["for all", "old"]);
    expect(texts("linux-7.2")).toEqual(["for all", "new"]);
    expect(texts("linux-7.2+mitoff")).toEqual(["for all"]);
    expect(() => parseScenario(`${head}    linux-6.12: { c: new }\n`, "x.yaml")).toThrow('unknown program "c"');
  });

  test("where a contract is broken, nothing but what the break says is expected of the last run", () => {
    const [first, last] = stepsFor(scenario, "linux-6.1");
    expect(first).toEqual(scenario.steps[0]);
    expect(last).toMatchObject({ expect: { tailCalls: { value: 34n, path: "breaks.linux-6.1.tail_calls" } } });
    expect(last).toMatchObject({ expect: { maps: [{ key: 1n }] } });
    expect(last.kind === "run" && last.expect.r0).toBeUndefined();
  });

  test("a break without checks overrides the last run's expectation value by value", () => {
    const [, last] = stepsFor(scenario, "linux-5.10");
    expect(last).toMatchObject({
      expect: {
        r0: { value: 1n, path: "steps.1.expect.r0" },
        tailCalls: { value: 17n, path: "breaks.linux-5.10.tail_calls" },
        maps: [
          { key: 0n, value: { bytes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) } },
          { key: 1n, value: { bytes: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) } },
        ],
      },
    });
  });
});

describe("a span of kernels", () => {
  const span = parseScenario(
    `title: t
profiles: [linux-5.10..]
programs: { main: exit }
breaks:
  linux-5.10..linux-6.11: { tail_calls: 1 }
  linux-6.1: { tail_calls: 2 }
`,
    "x.yaml",
  );
  const broken = (profile: string) => breakOf(span, profile)?.expect.tailCalls?.value;

  test("has both ends in it, and the kernels' variants; releases are compared as numbers", () => {
    const names = ["linux-4.19", "linux-5.9", "linux-5.10", "linux-6.9+zen2", "linux-7.2+mitoff", "rfc-v3"];
    expect(names.filter((name) => appliesTo(span, name))).toEqual(names.slice(2, 5));
    expect(["linux-5.10", "linux-6.9", "linux-6.11+its", "linux-6.12"].map(broken)).toEqual([1n, 1n, 1n, undefined]);
  });

  test("gives way to a name", () => expect(["linux-6.1", "linux-6.1+mitoff"].map(broken)).toEqual([2n, 2n]));

  test("must hold a profile that there is", () => {
    const load = (profiles: string) => () =>
      parseScenario(`title: t\nprofiles: [${profiles}]\nprograms: { main: exit }`, "x.yaml", {
        profiles: { names: ["linux-6.1", "linux-6.12"] },
      });
    expect(load("linux-5.10..linux-6.1, ..linux-6.11, linux-6.12..")).not.toThrow();
    expect(load("linux-6.13..")).toThrow('profiles.0: no profile matches "linux-6.13.."');
    expect(load("linux-6.1..6.12")).toThrow('profiles.0: unknown profile "linux-6.1..6.12"');
  });
});
