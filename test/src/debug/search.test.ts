import { afterEach, describe, expect, test } from "vitest";
import { searchBackward, searchForward, type Targets } from "../../../src/debug/timeline/search.ts";
import type { Timeline } from "../../../src/debug/timeline/timeline.ts";
import { hierarchy, program, stepsOf } from "../runner/trace/tracing.ts";
import { recordingOf } from "./recording.ts";

const open: Timeline[] = [];
afterEach(() => {
  for (const timeline of open.splice(0)) timeline.close();
});

const none: Targets = { breakpoints: new Set(), watchpoints: [] };

/** The states that searching on and on from one end to the other stops in. */
function stops(timeline: Timeline, targets: Partial<Targets>, direction: "forward" | "backward"): number[] {
  const search = direction === "forward" ? searchForward : searchBackward;
  timeline.seek(direction === "forward" ? 0 : timeline.end);
  const found: number[] = [];
  for (;;) {
    const searching = search(timeline, { ...none, ...targets });
    let turn = searching.next();
    while (!turn.done) turn = searching.next();
    if (!turn.value) return found;
    found.push(turn.value.state);
    timeline.seek(turn.value.state);
  }
}

function both(text: string, profile: string, targetsOf: (steps: ReturnType<typeof stepsOf>) => Partial<Targets>) {
  const steps = stepsOf(text, profile);
  const timeline = recordingOf(text, profile, 50);
  open.push(timeline);
  const targets = targetsOf(steps);
  return {
    steps,
    forward: stops(timeline, targets, "forward"),
    backward: stops(timeline, targets, "backward").reverse(),
  };
}

describe("breakpoints", () => {
  test("stop before the instruction, in both directions alike", () => {
    const { steps, forward, backward } = both(hierarchy(1), "linux-6.12", (all) => ({
      breakpoints: new Set([all.find(({ arrival }) => arrival?.kind === "tail-call")!.instruction.pc]),
    }));
    // the landing of each tail call, and once when the program is called
    const landing = steps.find(({ arrival }) => arrival?.kind === "tail-call")!.instruction.pc;
    expect(forward).toEqual(steps.filter(({ instruction }) => instruction.pc === landing).map(({ index }) => index));
    expect(forward).toHaveLength(34);
    expect(backward).toEqual(forward);
  });
});

describe("watchpoints", () => {
  const text = program(
    `
    r6 = 100
    r1 = counter[0] ll
    r2 = *(u64 *)(r1 + 0)
    r2 += 1
    *(u32 *)(r1 + 4) = r2
    r6 -= 1
    if r6 != 0 goto -5
    r0 = 0
    exit`,
    "maps: { counter: { type: array, value_size: 8, max_entries: 1 } }\n",
  );
  const counter = (steps: ReturnType<typeof stepsOf>) => ({
    address: steps.flatMap(({ writes }) => writes).find(({ place }) => place?.startsWith("counter"))!.address,
    size: 1,
  });
  const storing = (steps: ReturnType<typeof stepsOf>) =>
    steps.filter(({ writes }) => writes.some(({ place }) => place?.startsWith("counter"))).map(({ index }) => index);

  test("on writes stop behind the store going forward, and before it going back", () => {
    const { steps, forward, backward } = both(text, "linux-6.12", (all) => ({
      watchpoints: [{ ...counter(all), reads: false, writes: true }],
    }));
    expect(forward).toEqual(storing(steps).map((index) => index + 1));
    expect(backward).toEqual(storing(steps));
    expect(backward).toHaveLength(100);
  });

  test("on reads hear nothing of writes", () => {
    const { steps, backward } = both(text, "linux-6.12", (all) => ({
      watchpoints: [{ ...counter(all), reads: true, writes: false }],
    }));
    const loads = steps.filter(({ instruction }) =>
      instruction.from.some((bpf) => bpf.text === "r2 = *(u64 *)(r1 + 0)"),
    );
    expect(backward).toEqual(loads.map(({ index }) => index));
  });

  test("see what modelled kernel functions write", () => {
    const update = program(
      `
      r7 = 5
      *(u32 *)(r10 - 4) = 0
      *(u64 *)(r10 - 16) = r7
      r1 = m ll
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      call bpf_map_update_elem
      r0 = 0
      exit`,
      "maps: { m: { type: array, value_size: 8, max_entries: 1 } }\n",
    );
    const { steps, forward, backward } = both(update, "linux-6.12", (all) => {
      const { address } = all.find(({ instruction }) => instruction.isModel)!.writes[0];
      return { watchpoints: [{ address, size: 8, reads: false, writes: true }] };
    });
    const model = steps.findIndex(({ instruction }) => instruction.isModel);
    expect([forward, backward]).toEqual([[model + 1], [model]]);
  });
});

test("a range is left where an instruction outside of it is next", () => {
  const { steps, forward } = both(hierarchy(1), "linux-6.12", (all) => {
    const { func } = all[0].instruction;
    const start = func!.image.address;
    return { range: { start, end: start + BigInt(func!.image.bytes.length) } };
  });
  const name = steps[0].instruction.function;
  const outside = steps.filter(({ instruction }) => instruction.function !== name).map(({ index }) => index);
  expect(forward).toEqual([...outside, steps.length]); // and where it has returned to the kernel
});
