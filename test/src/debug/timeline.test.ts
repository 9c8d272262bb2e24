import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { NREGS } from "../../../emulator/engine.ts";
import type { Timeline } from "../../../src/debug/timeline/timeline.ts";
import { findScenarios } from "../../../src/scenario/find.ts";
import { hierarchy, program, stepsOf } from "../runner/trace/tracing.ts";
import { recordingOf } from "./recording.ts";

const open: Timeline[] = [];
afterEach(() => {
  for (const timeline of open.splice(0)) timeline.close();
});

function recorded(...args: Parameters<typeof recordingOf>): Timeline {
  const timeline = recordingOf(...args);
  open.push(timeline);
  return timeline;
}

/** All that a debugger can see without asking for memory. */
function view(timeline: Timeline, state: number): string {
  timeline.seek(state);
  const { regs } = timeline.machine.engine;
  const { stackHigh } = timeline.machine.task;
  const stack = Buffer.from(timeline.machine.memory.read(stackHigh - 512n, 512)).toString("base64");
  return `${timeline.machine.engine.tag} ${regs.slice(0, NREGS).join()} ${stack}`;
}

/** Reproducible numbers from 0 to below `below`. */
function* numbers(below: number, count: number) {
  for (let i = 0, x = 12345; i < count; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    yield (x >>> 8) % below;
  }
}

test("a run has a state before each instruction, and one behind the last", () => {
  const timeline = recorded(program("r0 = 1\nr0 += 1\nexit"));
  const steps = stepsOf(program("r0 = 1\nr0 += 1\nexit"));
  expect(timeline.end).toBe(steps.length);
  const pcs = steps.map((_, state) => {
    timeline.seek(state);
    return timeline.pc;
  });
  expect(pcs).toEqual(steps.map(({ instruction }) => instruction.pc));
  timeline.seek(timeline.end);
  expect(timeline.machine.engine.regs[0]).toBe(2n);
});

describe("a state is the same, however one gets there", () => {
  test.each([
    ["hierarchy/two-calls", "linux-6.1"],
    ["explore/interrupted", "linux-6.12"],
    ["explore/switched", "linux-6.1"],
    ["poke/replaced-in-the-middle", "linux-6.12"],
    ["poke/install-replace-delete", "linux-6.1"],
    ["callbacks/for-each-element", "linux-6.12"],
    ["context/packet-loads", "linux-6.12"],
    ["helpers/hash-map", "linux-7.2"],
  ])("%s on %s", (name, profile) => {
    const [{ file }] = findScenarios([name]);
    const timeline = recorded(readFileSync(file, "utf8"), profile, 50);
    const forwards = Array.from({ length: timeline.end + 1 }, (_, state) => view(timeline, state));
    for (const state of numbers(timeline.end + 1, 60)) expect(view(timeline, state)).toBe(forwards[state]);
    for (let state = timeline.end; state > timeline.end - 60 && state >= 0; state--)
      expect(view(timeline, state)).toBe(forwards[state]);
  });
});

test("tail calls, those that were not taken, and the finding have their states", () => {
  const timeline = recorded(hierarchy(2), "linux-6.1");
  const { tailCalls, refused, findings, ends } = timeline.marks;
  expect(tailCalls).toHaveLength(34);
  expect(refused).toHaveLength(2); // both calls of the innermost
  expect(findings.map(({ finding }) => finding.check)).toEqual(["tail-call-limit"]);
  expect(ends).toEqual([{ run: 1, program: "entry", state: timeline.end, r0: undefined }]);
  timeline.seek(tailCalls[33].state);
  const at = timeline.machine.functionAt(timeline.pc)!;
  expect([at.func.image.name, at.offset]).toEqual(["entry", at.func.image.landing]);
});

test("so they have in runs that are interrupted, each tail call where its callee lands", () => {
  const two = hierarchy(1).replace("entry: |", 'other: "r0 = 2\\nexit"\n  entry: |');
  const timeline = recorded(`${two}run: entry\nevents: [{ at: tail call 3, switch: other }]\n`, "linux-6.12");
  expect(timeline.pieces.map(({ tag }) => Number(tag >> 32n))).toEqual([1, 2, 1]);
  const { tailCalls } = timeline.marks;
  const landings = tailCalls.map(({ state }) => {
    timeline.seek(state);
    const at = timeline.machine.functionAt(timeline.pc);
    return at?.offset === at?.func.image.landing;
  });
  expect(landings).toEqual(new Array(33).fill(true));
});

test("what is changed in the middle decides what comes behind; what came before stays", () => {
  const timeline = recorded(program("r6 = 3\nr0 = 0\nr0 += 1\nr6 -= 1\nif r6 != 0 goto -3\nexit"));
  const { end } = timeline;
  const before = view(timeline, 6);
  const r0 = () => {
    timeline.seek(timeline.end);
    return timeline.machine.engine.regs[0];
  };
  expect(r0()).toBe(3n);
  timeline.seek(12);
  timeline.alter(() => {
    timeline.machine.engine.regs[3] = 9n; // r6
  });
  expect(r0()).toBeGreaterThan(8n);
  expect(timeline.end).toBeGreaterThan(end);
  expect(view(timeline, 6)).toBe(before);
  expect(timeline.marks.ends).toEqual([]);
});
