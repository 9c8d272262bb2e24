import { EVENT_ICOUNT } from "../../../emulator/engine.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Finding } from "../../checks/finding.ts";
import type { World } from "../../runner/build.ts";
import type { RunWatcher } from "../../runner/trace/run.ts";
import type { TracedStep } from "../../runner/trace/step.ts";
import { Tracer } from "../../runner/trace/tracer.ts";
import type { Run, State, Step } from "./page/data.ts";
import { MachineState, REGISTERS } from "./page/machine-state.ts";

/** States that are recorded of a run: its first ones, and at least so many of its last, or of the last ones up to the first finding. */
export interface Limits {
  first: number;
  last: number;
}

const LIMITS: Limits = { first: 700, last: 300 };

type Recorded = Pick<Run, "insns" | "states" | "behind"> & { findings: { finding: Finding; index: number }[] };

/** Records a scenario's runs, state by state, for the page's slider. */
export class StateRecorder implements RunWatcher {
  readonly runs: Recorded[] = [];
  readonly #world: World;
  readonly #tracer: Tracer;
  readonly #limits: Limits;
  #run: RecordedRun;

  constructor(world: World, limits: Limits = LIMITS) {
    this.#world = world;
    this.#limits = limits;
    this.#run = new RecordedRun(limits);
    this.#tracer = new Tracer(world, (step) => this.#run.take(step));
  }

  begins({ context }: { context: bigint }): void {
    this.#tracer.context = context;
    this.#run = new RecordedRun(this.#limits);
  }

  resume(budget: number) {
    const { machine } = this.#world.session;
    this.#run.sync(machine.tasks.indexOf(machine.task), machine.engine.regs);
    return this.#tracer.resume(budget);
  }

  found(finding: Finding): void {
    this.#run.found(finding);
  }

  /** Comes behind the checks: of this event one may just have reported. */
  readonly observe = ({ words, at }: Event): void => this.#run.noticed(Number(words[at + EVENT_ICOUNT]));

  ends(): void {
    this.runs.push(this.#run.end());
  }
}

interface Kept {
  step: Step;
  pc: bigint;
  icount: number;
}

class RecordedRun {
  readonly #limits: Limits;
  readonly #insns: Run["insns"] = [];
  readonly #indexes = new Map<bigint, number>();
  readonly #first: Kept[] = [];
  #last: Kept[] = [];
  /** the machine as it is before the first step of #last */
  readonly #before = new MachineState();
  /** the machine as it is now */
  readonly #now = new MachineState();
  #dropped = 0;
  #behind = 0;
  #sync: Step["s"];
  readonly #findings: { finding: Finding; noticed: number }[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The run goes on with these registers, which somebody may have set. */
  sync(task: number, regs: BigUint64Array): void {
    const r: Record<number, string> = {};
    for (let reg = 0; reg < REGISTERS.length; reg++) {
      const value = hex(regs[reg]);
      if (this.#now.regs[reg].split(" ", 1)[0] !== value) r[reg] = value;
    }
    if (task !== this.#now.task || Object.keys(r).length) this.#sync = { task, r };
  }

  found(finding: Finding): void {
    this.#findings.push({ finding, noticed: Number.POSITIVE_INFINITY });
  }

  noticed(icount: number): void {
    for (const found of this.#findings) if (found.noticed > icount) found.noticed = icount;
  }

  take(traced: TracedStep): void {
    const kept = { step: this.#stepOf(traced), pc: traced.instruction.pc, icount: traced.icount };
    this.#now.apply(kept.step);
    if (this.#first.length < this.#limits.first) {
      this.#first.push(kept);
      this.#before.apply(kept.step);
    } else if (this.#last.length && traced.icount > (this.#findings[0]?.noticed ?? Number.POSITIVE_INFINITY))
      this.#behind++;
    else this.#keepLast(kept);
  }

  #keepLast(kept: Kept): void {
    const { last } = this.#limits;
    this.#last.push(kept);
    if (this.#last.length < 2 * last) return;
    for (const { step } of this.#last.slice(0, last)) this.#before.apply(step);
    this.#last = this.#last.slice(last);
    this.#dropped += last;
  }

  #stepOf({ instruction, registers, writes, flags, arrival }: TracedStep): Step {
    const step: Step = { i: this.#indexOf(instruction) };
    if (registers.length)
      step.r = Object.fromEntries(
        registers.map(({ name, now, means }) => [REGISTERS.indexOf(name), valueText(now, means)]),
      );
    if (writes.length)
      step.w = writes.map(({ address, size, now, place, means }) =>
        place === undefined
          ? [hex(address), size, valueText(now, means)]
          : [hex(address), size, valueText(now, means), place],
      );
    if (flags) step.f = flags.now;
    if (arrival)
      step.a =
        arrival.kind === "task"
          ? ["task", `task ${arrival.task} on CPU ${arrival.cpu}`]
          : arrival.kind === "tail-call"
            ? ["tail-call", arrival.function, arrival.nth]
            : [arrival.kind, arrival.function];
    if (this.#sync) step.s = this.#sync;
    this.#sync = undefined;
    return step;
  }

  #indexOf({ pc, function: name, offset, asm }: TracedStep["instruction"]): number {
    let index = this.#indexes.get(pc);
    if (index === undefined) {
      index = this.#insns.push([name, offset, asm]) - 1;
      this.#indexes.set(pc, index);
    }
    return index;
  }

  end(): Recorded {
    const kept: (Kept | undefined)[] = [...this.#first];
    const states: State[] = this.#first.map(({ step }) => step);
    if (this.#dropped) {
      states.push({ gap: this.#dropped, ...this.#before.snapshot() });
      kept.push(undefined);
    }
    for (const last of this.#last) {
      states.push(last.step);
      kept.push(last);
    }
    const findings = this.#findings.map(({ finding, noticed }) => ({
      finding,
      index: kept.findLastIndex((step) => step !== undefined && step.pc === finding.pc && step.icount <= noticed),
    }));
    return { insns: this.#insns, states, behind: this.#behind, findings };
  }
}

const hex = (value: bigint): string => value.toString(16);
const valueText = (value: bigint, means: string | undefined): string =>
  means === undefined ? hex(value) : `${hex(value)} ${means}`;
