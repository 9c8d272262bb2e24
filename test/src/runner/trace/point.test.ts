import { describe, expect, test } from "vitest";
import { profileNamed } from "../../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld } from "../../../../src/runner/build.ts";
import { findFinding } from "../../../../src/runner/trace/finding.ts";
import { PointWatch, parseTracePoint } from "../../../../src/runner/trace/point.ts";
import { parseScenario } from "../../../../src/scenario/load.ts";
import { hierarchy, stepsOf } from "./tracing.ts";

const steps = stepsOf(hierarchy(2), "linux-6.12");

const at = (index: number) => `${steps[index].instruction.function}+${steps[index].instruction.offset}`;

/** The first step that is at the point: function+offset, and how many instructions came before. */
function first(text: string): string | undefined {
  const watch = new PointWatch(parseTracePoint(text)!, 77);
  const step = steps.find((candidate) => watch.isAt(candidate));
  return step && `${step.instruction.function}+${step.instruction.offset} ${step.index}`;
}

const address = `0x${steps[0].instruction.pc.toString(16)}`;

describe("points of a trace", () => {
  test.each([
    ["entry", "entry+0 0"],
    ["sub", "entry#sub+0 17"],
    ["entry#sub:2", "entry#sub+0 45"],
    ["entry:2", "entry+16 35"], // by the first tail call, behind what only a call passes
    ["tail call 1", "entry+16 35"],
    ["tail call 2", "entry+16 63"],
    ["sub+0x10", "entry#sub+16 22"],
    ["entry+0x10:3", "entry+16 63"],
    [address, "entry+0 0"],
    [`${address}:2`, undefined],
    ["instruction 40", `${at(40)} 40`],
    ["finding", `${at(77)} 77`],
    ["tail call 34", undefined],
  ])("%s", (text, where) => {
    expect(first(text)).toBe(where);
  });

  test.each(["", "tail call", "0x", "entry+16", "a b", "entry:"])("%j names none", (text) => {
    expect(parseTracePoint(text)).toBeUndefined();
  });
});

describe("the first finding", () => {
  function find(text: string, profile: string) {
    const scenario = parseScenario(text, "t.yaml");
    const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
    try {
      return findFinding(world, scenario, scenario.steps);
    } finally {
      world.session.machine.close();
    }
  }

  test("is the 34th tail call's first instruction, noticed where it leaves", () => {
    const place = find(hierarchy(2), "linux-6.1")!;
    const all = stepsOf(hierarchy(2), "linux-6.1");
    expect(all[place.at].instruction).toMatchObject({
      function: "entry#sub",
      note: expect.stringContaining("tail call, direct"),
    });
    expect(place.noticed).toBe(all.length - 1);
    expect(all[place.noticed].instruction.asm).toMatch(/^jmp /);
  });

  test("is nowhere when no contract breaks", () => {
    expect(find(hierarchy(2), "linux-6.12")).toBeUndefined();
  });
});
