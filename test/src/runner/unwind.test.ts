import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FLOW_CALL } from "../../../bpf/image.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { cfaAt, unwind } from "../../../src/runner/unwind.ts";
import { findScenarios } from "../../../src/scenario/find.ts";
import { recordingOf } from "../debug/recording.ts";

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
  for (let state = 0; state <= timeline.end; state++) {
    timeline.seek(state);
    const at = machine.functionAt(timeline.pc);
    if (at) expect(isReturnAddress(machine, machine.memory.load(cfaAt(machine, at) - 8n, 8))).toBe(true);
    const frames = unwind(machine);
    // what is not the innermost has all of its frame, unless a trampoline is called in its prologue
    for (const { rbp, made } of frames)
      if (made === "all") expect(isReturnAddress(machine, machine.memory.load(rbp + 8n, 8))).toBe(true);
    deepest = Math.max(deepest, frames.length);
  }
  expect(deepest).toBeGreaterThan(1);
  timeline.close();
});
