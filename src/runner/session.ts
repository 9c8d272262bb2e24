import { EVENT_REGS, RAX, RSP, type Stop } from "../../emulator/engine.ts";
import { fixupFault } from "../../emulator/extable.ts";
import { forgetPrograms } from "../../emulator/helpers/trampoline.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { Machine } from "../../emulator/machine.ts";
import { fixupPoke } from "../../emulator/poke.ts";
import type { Event, Observer } from "../../emulator/recording.ts";
import type { ActiveCheck, CheckContext } from "../checks/check.ts";
import type { Finding } from "../checks/finding.ts";
import { CHECKS } from "../checks/index.ts";
import type { CheckName } from "../scenario/names.ts";
import { culprit } from "./culprit.ts";
import { type CodeBook, locate } from "./locate.ts";

/** How one run of a program from the kernel went. */
export interface Outcome {
  /** rax, undefined when the program did not return */
  r0: bigint | undefined;
  tailCalls: bigint;
  instructions: number;
  /** bytes of kernel stack in use at the deepest point that was watched */
  maxStack: number;
  /** calls of kernel functions by symbol */
  calls: Map<string, number>;
  findings: Finding[];
}

export interface EnterOptions {
  /** bpf_func */
  entry: bigint;
  context: bigint;
  /** rsi, 0 by default */
  second?: bigint;
  /** of a kernel's function, in place of context and second */
  args?: readonly bigint[];
  budget: number;
  /** end the run at the first tail call past this many; default: none is too many */
  tailCallLimit?: number;
}

/** Somebody who wants to see more of the runs than what comes of them. */
export interface Spectator {
  /** runs the machine instead of Machine.resume */
  resume?(budget: number): Stop;
  /** takes the events of runs, after the checks */
  observe?: Observer;
  /** a check reported */
  found?(finding: Finding): void;
}

/** More of the same finding from one run help nobody. */
const MAX_FINDINGS = 16;

/** Runs programs on a machine with every contract on. */
export class Session {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly book: CodeBook;
  spectator: Spectator = {};

  constructor(kernel: Kernel, book: CodeBook) {
    this.kernel = kernel;
    this.machine = kernel.machine;
    this.book = book;
  }

  /** Enter a program as the kernel does, and watch it until it returns or cannot go on. */
  enter(options: EnterOptions): Outcome {
    this.prepare(options);
    const run = new ProgramRun(this, options.budget);
    run.go();
    return run.end();
  }

  /** Set the machine up to enter the program. */
  prepare({ entry, context, second, args, tailCallLimit }: EnterOptions): void {
    const { machine } = this;
    forgetPrograms(this.kernel);
    machine.prepare({ entry, context, second: second ?? 0n, ...(args ? { args } : {}) });
    machine.tailCallLimit = tailCallLimit ?? Number.POSITIVE_INFINITY;
    machine.engine.icount = 0;
  }
}

/** One run of a program, from its entry on; the machine is prepared. It may be left in between, and taken up again. */
export class ProgramRun {
  readonly #session: Session;
  readonly #budget: number;
  readonly #checks: ActiveCheck[];
  readonly #findings: Finding[] = [];
  readonly #calls = new Map<string, number>();
  readonly #observers: Observer[];
  readonly #top: bigint;
  #lowest: bigint;
  /** its low half: events are many, and a bigint is dear */
  #lowestHalf: number;
  #returned = false;

  constructor(session: Session, budget: number) {
    const { machine } = session;
    this.#session = session;
    this.#budget = budget;
    this.#top = machine.engine.regs[RSP] + 8n;
    this.#lowest = this.#top;
    this.#lowestHalf = Number(this.#top & 0xffffffffn);
    const context = this.#context();
    this.#checks = CHECKS.map((check) => check.start(context));
    this.#observers = [this.#watch, ...[...this.#checks, session.spectator].flatMap(({ observe }) => observe ?? [])];
  }

  readonly #watch = (event: Event): void => {
    if (event.halves[2 * (event.at + EVENT_REGS + RSP)] < this.#lowestHalf) this.#sink(event);
    if (event.kind !== "host") return;
    const { name } = event.watched;
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1);
  };

  #sink({ words, at }: Event): void {
    const rsp = words[at + EVENT_REGS + RSP];
    if (rsp < this.#lowest && rsp >= this.#session.machine.task.stackLow) this.#reach(rsp);
  }

  #reach(rsp: bigint): void {
    this.#lowest = rsp;
    this.#lowestHalf = Number(rsp & 0xffffffffn);
  }

  /**
   * Run on until the program returns or is ended, or, `paused`, until `icount` instructions of it have executed.
   */
  go(icount = this.#budget): "returned" | "ended" | "paused" {
    const { machine } = this.#session;
    machine.events.observe(...this.#observers);
    try {
      return this.#go(machine, Math.min(icount, this.#budget));
    } finally {
      machine.events.observe();
    }
  }

  #go(machine: Machine, icount: number): "returned" | "ended" | "paused" {
    for (;;) {
      const stop = this.#resume(Math.max(0, icount - machine.engine.icount));
      if (stop.kind === "until") {
        this.#returned = true;
        for (const check of this.#checks) check.returned?.();
        return "returned";
      }
      if (stop.kind === "budget" && icount < this.#budget) return "paused";
      if (fixupFault(machine, stop) || fixupPoke(machine, stop)) continue;
      let ended = false;
      for (const check of this.#checks) if (check.stopped?.(stop)) ended = true;
      if (ended || stop.kind !== "stack") return "ended";
    }
  }

  #resume(budget: number): Stop {
    const { machine, spectator } = this.#session;
    return spectator.resume ? spectator.resume(budget) : machine.resume(budget);
  }

  /** What came of it; the machine stands where the run ended. */
  end(): Outcome {
    const { machine } = this.#session;
    return {
      r0: this.#returned ? machine.engine.regs[RAX] : undefined,
      tailCalls: BigInt(machine.tailCalls),
      instructions: machine.engine.icount,
      maxStack: Number(this.#top - this.#lowest),
      calls: this.#calls,
      findings: this.#findings,
    };
  }

  #context(): CheckContext {
    const { machine, book, spectator } = this.#session;
    const findings = this.#findings;
    return {
      machine,
      describe: (pc) => {
        const { function: name, offset } = locate(machine, book, pc);
        return offset ? `${name}+0x${offset.toString(16)}` : name;
      },
      report(check: CheckName, pc, what) {
        if (findings.length >= MAX_FINDINGS) return;
        const at = culprit(machine, pc);
        const finding = { check, pc: at, ...what, ...locate(machine, book, at) };
        findings.push(finding);
        spectator.found?.(finding);
      },
    };
  }
}
