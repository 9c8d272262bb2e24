import { expect, test } from "vitest";
import { assembleScenario } from "../../../src/runner/build.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const scenario = parseScenario(
  `title: A caller whose stack isn't a multiple of eight
maps:
  jmp_table: { type: prog_array, max_entries: 1, values: { 0: entry } }
programs:
  entry: |
    entry:
      *(u8 *)(r10 - 3) = 0
      call subprog_tail
      exit
    subprog_tail:
      *(u64 *)(r10 - 8) = 0       ; what the next entry, in this place, has below its 3 bytes
      r2 = jmp_table ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
`,
  "x.yaml",
);

/*
 * 5.10 to 5.18 load half of the count and half of the stack before the call (ff672c67ee76): the count starts over in each frame, and
 * every tail call leaves 32 bytes (return address, rbp, 8 of stack, count) on a stack of 16 KB.
 */
test("a run past the limit that crashes is not counted on: the finding says after how many, and how", () => {
  const { verdict, findings } = runScenario(scenario, assembleScenario(scenario), "linux-5.10");
  expect(verdict).toBe("fail");
  expect(findings.map(({ check }) => check)).toEqual(["tail-call-limit"]);
  expect(findings[0].message).toMatch(
    /^tail call 34 .*; after 5\d\d of them: write of 8 bytes .*stack has overflowed\)$/,
  );
});
