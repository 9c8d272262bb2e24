import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FLOW_CALL } from "../../../bpf/image.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { cfaAt, unwind } from "../../../src/runner/unwind.ts";
import { findScenarios } from "../../../src/scenario/find.ts";
import { recordingOf } from "../debug/recording.ts";

const MOST_STATES = 400;

/** Does a call of a function return there, or the kernel's? */
function isReturnAddress(machine: Machine, address: bigint): boolean {
  if (address === RETURN_TO_KERNEL) return true;
  const at = machine.functionAt(address - 1n);
  if (!at) return machine.symbols.nameAt(address) === "(callback return)";
  const { starts, flags, trampoline } = at.func.image;
  const next = starts.indexOf(at.offset + 1);
  return (
    at.func.attached || trampoline !== undefined || Boolean(flags[(next < 0 ? starts.length : next) - 1] & FLOW_CALL)
  );
}

test.each([
  ["hierarchy/two-calls", "linux-6.1"],
  ["hierarchy/two-calls", "linux-7.2+fineibt"],
  ["mixes/frames-differ", "linux-5.10"],
  ["calls/eight-frames", "linux-5.4"],
  ["calls/eight-frames", "linux-6.12"],
  ["trampolines/hierarchy-fentry-and-fexit", "linux-6.12"],
  ["callbacks/for-each-element", "linux-6.12"],
])("every frame of %s on %s has its return address, at every instruction", (name, profile) => {
  const timeline = recordingOf(readFileSync(findScenarios([name])[0].file, "utf8"), profile, 1000);
  const { machine } = timeline;
  let deepest = 0;
  const wrong: string[] = [];
  for (let state = 0; state <= Math.min(timeline.end, MOST_STATES); state++) {
    timeline.seek(state);
    const at = machine.functionAt(timeline.pc);
    const frames = unwind(machine);
    const slots = frames.filter(({ made }) => made === "all").map(({ rbp }) => rbp + 8n);
    if (at) slots.push(cfaAt(machine, at) - 8n);
    for (const slot of slots)
      if (!isReturnAddress(machine, machine.memory.load(slot, 8)))
        wrong.push(`0x${slot.toString(16)} in state ${state}`);
    deepest = Math.max(deepest, frames.length);
  }
  expect(wrong).toEqual([]);
  expect(deepest).toBeGreaterThan(1);
  timeline.close();
});
