import { beforeAll, describe, expect, test } from "vitest";
import { profileNamed } from "../../../../jit/profiles/index.ts";
import type { Gap, Run, View } from "../../../../src/report/html/page/data.ts";
import { MachineState } from "../../../../src/report/html/page/machine-state.ts";
import { recordScenario } from "../../../../src/report/html/record.ts";
import { type Limits, StateRecorder } from "../../../../src/report/html/states.ts";
import { assembleScenario, buildWorld } from "../../../../src/runner/build.ts";
import { isProfile, profileNames } from "../../../../src/runner/profiles.ts";
import { runOn } from "../../../../src/runner/run.ts";
import { watchScenario } from "../../../../src/runner/trace/run.ts";
import { findScenarios } from "../../../../src/scenario/find.ts";
import { loadScenario } from "../../../../src/scenario/load.ts";
import type { Scenario } from "../../../../src/scenario/scenario.ts";

function scenarioNamed(id: string): Scenario {
  const [{ file }] = findScenarios([id]);
  return loadScenario(file, { id, profiles: { names: profileNames(), has: isProfile } });
}

/** A scenario of the catalogue as the page gets it. */
function recorded(id: string, ...profiles: string[]): View[] {
  const scenario = scenarioNamed(id);
  return recordScenario(scenario, [...runOn(scenario, { profiles, own: false })]).views;
}

/** The state behind the first states of a run. */
function stateAt({ states }: Run, count: number): MachineState {
  const state = new MachineState();
  for (const step of states.slice(0, count)) state.apply(step);
  return state;
}

describe("what the page shows of the hierarchy", () => {
  let old: View;
  let fixed: View;
  beforeAll(() => {
    [old, fixed] = recorded("hierarchy/two-calls", "linux-6.1", "linux-6.12");
  });

  test("the finding's instruction, in the listing and as the state at which it broke", () => {
    const [{ name, at, line }] = old.problems;
    expect([name, line]).toEqual(["tail-call-limit", 31]);
    const [run] = old.runs;
    const broken = run.states[run.findings[0]];
    expect("i" in broken && run.insns[broken.i]).toEqual([at!.function, at!.offset, "movl -0x4(%rbp), %eax"]);
    const code = old.functions.find((fn) => fn.name === at!.function)!;
    expect(code.lines.find(({ offset }) => offset === at!.offset)?.bpf).toEqual([
      { insn: 3, text: "tail_call poke[0]", line: 31 },
    ]);
  });

  test("the state in which the limit breaks: 34 functions on the stack, the innermost one's count is at 32", () => {
    const [run] = old.runs;
    const state = stateAt(run, run.findings[0] + 1);
    expect(state.regs[0]).toBe("20");
    expect(state.frames.map(({ name }) => name)).toHaveLength(34);
    expect(state.words.get(state.rsp)).toEqual({ value: "2000000000", place: "tcc" });
  });

  test("a picture at each of the 33 tail calls", () => {
    const [{ pictures, morePictures }] = fixed.runs;
    expect([pictures.length, morePictures]).toEqual([33, 0]);
    expect(pictures[0].text).toBe(
      "entry:1 | ret | rbp | tcc 1 | tcc_ptr entry:1 | rbx |\nentry:2 | ret | rbp | tcc_ptr entry:1 | tcc_ptr entry:1 | rbx |\n",
    );
  });

  test("the first and the last states of a long run, and how many lie between", () => {
    const [run] = fixed.runs;
    const gaps = run.states.filter((state) => "gap" in state);
    expect(gaps).toHaveLength(1);
    expect(run.states.length - 1 + gaps[0].gap).toBe(1875);
  });

  test("the run returns 1, and the stack is as it was", () => {
    const [run] = fixed.runs;
    const end = stateAt(run, run.states.length);
    expect(end.regs[0]).toBe("1");
    expect(end.rsp - stateAt(run, 1).rsp).toBe(8n);
    expect(end.frames).toEqual([]);
  });
});

test("a profile that the scenario does not apply to has its reason and no runs", () => {
  const [view] = recorded("basics/sign-extension", "linux-6.1");
  expect([view.verdict, view.runs, view.functions]).toEqual(["skip", [], []]);
  expect(view.reason).toBe("is about linux-6.6..");
});

test("a program that interrupts another has frames above its frames while it runs, and leaves the other as it was", () => {
  const [view] = recorded("gallery/percpu-preempted", "linux-6.12");
  const [run] = view.runs;
  const depths = run.states.map((_, i) =>
    stateAt(run, i + 1)
      .frames.map(({ name }) => name)
      .join(" "),
  );
  expect([...new Set(depths)]).toEqual(["entry", "entry probe", ""]);
  expect(stateAt(run, run.states.length).regs[0]).toBe("1");
});

describe("behind what is left out", () => {
  /** The only run of the hierarchy on linux-6.12, recorded within limits. */
  function hierarchy(limits: Limits) {
    const scenario = scenarioNamed("hierarchy/two-calls");
    const world = buildWorld(scenario, assembleScenario(scenario), profileNamed("linux-6.12")!);
    const recorder = new StateRecorder(world, limits);
    watchScenario(world, scenario, scenario.steps, recorder);
    world.session.machine.close();
    return recorder.runs[0] as unknown as Run;
  }

  test("registers, stack and frames are those of a recording that leaves out nothing", () => {
    const all = hierarchy({ first: 2000, last: 1 });
    const part = hierarchy({ first: 100, last: 150 });
    const at = part.states.findIndex((state) => "gap" in state);
    const gap = part.states[at] as Gap;
    expect([at, gap.gap % 150, all.states.length]).toEqual([100, 0, 1875]);
    const whole = stateAt(all, at + gap.gap).snapshot();
    expect(stateAt(part, at + 1).snapshot()).toEqual(whole);
    expect(whole.frames.length).toBeGreaterThan(2);
  });
});
