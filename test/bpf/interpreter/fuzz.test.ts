import fc from "fast-check";
import { expect, test } from "vitest";
import type { Insn } from "../../../bpf/insn.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import type { Outcome } from "../../../bpf/interpreter/outcome.ts";
import { FlatMemory } from "../../../bpf/memory.ts";
import { anyInsn, validInsns } from "../arbitraries.ts";
import { CONTEXT } from "./machine.ts";

function run(insns: Insn[]): Outcome {
  const memory = new FlatMemory();
  memory.map(CONTEXT, 64);
  const interpreter = new Interpreter({
    memory,
    budget: 500,
    lookupProgram: () => ({ insns }),
    helpers: { call: () => 7n },
    loadPacket: (_, offset) => (offset & 1 ? undefined : 5),
    arena: { kernel: CONTEXT, user: 0n },
  });
  return interpreter.run({ insns }, CONTEXT);
}

const summary = (outcome: Outcome) =>
  outcome.kind === "fault"
    ? { ...outcome, fault: [outcome.fault.message, outcome.fault.slot] }
    : { ...outcome, program: 0 };

test.each([
  ["any slots", fc.array(anyInsn, { maxLength: 30 })],
  ["valid instructions", validInsns],
])("%s end in an exit, a fault or an empty budget, and in the same one again", (_, programs) => {
  fc.assert(
    fc.property(programs, (insns) => {
      const outcome = run(insns);
      expect(["exit", "fault", "budget"]).toContain(outcome.kind);
      expect(summary(run(insns))).toEqual(summary(outcome));
    }),
    { numRuns: 2000 },
  );
});
