import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { countExactly } from "../exact/count.ts";
import { parseScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { cpuMs } from "./cpu.ts";
import { beforeRun } from "./world.ts";

const PROFILE = "linux-6.1";
/** Calls of the subprogram, and limits on tail calls for which plain execution comes to an end. */
const PLAIN: readonly [calls: number, limit: number][] = [
  [2, 4],
  [2, 8],
  [2, 12],
  [2, 16],
];
const REAL: readonly [calls: number, limit: number][] = [
  [2, 33],
  [3, 33],
  [5, 33],
];

/** The hierarchy, counted exactly and, where that ends in this life, by executing all of it; in ms of CPU time. */
export interface ExactCost {
  calls: number;
  limit: number;
  tailCalls: bigint;
  exactMs: number;
  plainMs?: number;
}

export function measureExact(progress: (text: string) => void): ExactCost[] {
  return [...PLAIN, ...REAL].map(([calls, limit]) => {
    progress(`${calls} calls, limit ${limit}`);
    const scenario = hierarchy(calls);
    const profile: X86Profile = { ...profileNamed(PROFILE)!, maxTailCalls: limit };
    const { tailCalls, ms: exactMs } = timed(() => exactly(scenario, profile));
    if (limit === REAL[0][1]) return { calls, limit, tailCalls, exactMs };
    const plain = timed(() => plainly(scenario, profile));
    if (plain.tailCalls !== tailCalls)
      throw new Error(`${calls} calls, limit ${limit}: the memo says ${tailCalls}, execution ${plain.tailCalls}`);
    return { calls, limit, tailCalls, exactMs, plainMs: plain.ms };
  });
}

function timed(run: () => bigint): { tailCalls: bigint; ms: number } {
  const before = cpuMs();
  const tailCalls = run();
  return { tailCalls, ms: cpuMs() - before };
}

const exactly = (scenario: Scenario, profile: X86Profile): bigint =>
  beforeRun(scenario, profile, ({ session }, options) => {
    session.prepare(options);
    const run = countExactly(session.machine);
    if (run.kind !== "exact") throw new Error(`the memo gives up: ${run.why}`);
    return run.tailCalls;
  });

const plainly = (scenario: Scenario, profile: X86Profile): bigint =>
  beforeRun(scenario, profile, ({ session }, options) => session.enter(options).tailCalls);

const hierarchy = (calls: number): Scenario =>
  parseScenario(
    `title: an entry that calls a subprogram ${calls} times, which tail-calls the entry
maps:
  jmp_table: { type: prog_array, max_entries: 1, values: { 0: entry } }
programs:
  entry: |
    entry:
      r6 = r1
${"      r1 = r6\n      call subprog\n".repeat(calls)}      r0 = 1
      exit
    subprog:
      r2 = jmp_table ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
`,
    "hierarchy.yaml",
  );
