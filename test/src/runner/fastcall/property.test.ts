import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linux6_12, liveRegisters, verify } from "../../../../bpf/verifier/index.ts";
import { keyOf } from "../../../../emulator/maps/map.ts";
import { profileNamed } from "../../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld } from "../../../../src/runner/build.ts";
import { firstDifference } from "../../../../src/runner/fastcall/difference.ts";
import { Visits } from "../../../../src/runner/fastcall/visits.ts";
import { watchScenario } from "../../../../src/runner/trace/run.ts";
import { verifierOf } from "../../../../src/runner/verifier-of.ts";
import { parseScenario } from "../../../../src/scenario/load.ts";
import { compiled, strange } from "./programs.ts";

/** Random programs for each property; a run takes two machines. */
const RUNS = Number(process.env.FASTCALL_RUNS ?? 15);

const scenarioOf = (code: string) =>
  parseScenario(
    `title: t
maps: { seen: { type: array, value_size: 32, max_entries: 1 } }
programs:
  entry: |
    ${code.replaceAll("\n", "\n    ")}
context: { data: { length: 64 } }
`,
    "t.yaml",
  );

/** A run of a program: what it leaves behind, and its registers on the way. */
function run(code: string, profile: string) {
  const scenario = scenarioOf(code);
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
  const { machine } = world.session;
  try {
    const visits = new Visits(world);
    let r0: bigint | undefined;
    const ends = (outcome: { r0?: bigint }) => (r0 = outcome.r0);
    watchScenario(world, scenario, scenario.steps, { resume: (budget) => visits.resume(budget), ends });
    const map = world.kernel.maps.get("seen")!.read(keyOf(0n, 4))!;
    return { left: { r0, map: Buffer.from(map).toString("hex") }, visits, machine };
  } finally {
    machine.close();
  }
}

function isRewritten(code: string, profile: string): boolean {
  const { programs, maps } = assembleScenario(scenarioOf(code));
  return verify(programs[0].program, maps, verifierOf(profileNamed(profile)!)).spillsRemoved !== undefined;
}

/** Registers that are read from there on, in the program as loaded. */
function liveIn(code: string) {
  const [{ program }] = assembleScenario(scenarioOf(code)).programs;
  const live = liveRegisters({ insns: program.insns.map((insn) => ({ ...insn })), program, kernel: linux6_12 });
  return ({ origin }: { origin: number }) => live[origin];
}

/** The same result, map and live registers with the rewrite as without; counts the programs in which there was one. */
function holds(programs: fc.Arbitrary<string>, profile: string, numRuns: number) {
  let rewritten = 0;
  const details = fc.check(
    fc.property(programs, (code) => {
      if (!isRewritten(code, profile)) return;
      rewritten++;
      const one = run(code, profile);
      const other = run(code, `${profile.split("+")[0]}+fastcall-off`);
      expect(one.left).toEqual(other.left);
      expect(firstDifference(one, other, liveIn(code))).toBeUndefined();
    }),
    { numRuns, seed: 7, endOnFailure: true },
  );
  return { failed: details.failed, counterexample: details.counterexample?.[0], rewritten };
}

describe("random programs with spills around calls do the same with the rewrite as without", () => {
  test.each(["linux-6.12", "linux-7.2", "linux-6.12+fastcall-rfc", "linux-6.12+fastcall-jit"])(
    "%s: programs as compilers make them",
    (profile) => {
      const { counterexample, rewritten } = holds(compiled, profile, RUNS);
      expect(counterexample).toBeUndefined();
      expect(rewritten).toBeGreaterThan(RUNS / 8);
    },
  );

  test("a strict verifier: programs in which anything may use the slots", () => {
    const { counterexample, rewritten } = holds(strange, "linux-6.12+fastcall-strict", 4 * RUNS);
    expect(counterexample).toBeUndefined();
    expect(rewritten).toBeGreaterThan(RUNS / 8);
  });

  // so the property can tell
  test.each(["contract", "register", "spared", "inline", "offset", "keep", "width"])(
    "not without the condition %s",
    (guard) => expect(holds(strange, `linux-6.12+fastcall-no-${guard}`, 300).failed).toBe(true),
  );

  test("not with the kernel's conditions only, where anything may use the slots", () => {
    expect(holds(strange, "linux-6.12", 300).failed).toBe(true);
  });
});
