import { EVENT_REGS, RAX, RSP, type Stop } from "../../emulator/engine.ts";
import { fixupFault } from "../../emulator/extable.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { Event } from "../../emulator/recording.ts";
import type { ActiveCheck, CheckContext } from "../checks/check.ts";
import type { Finding } from "../checks/finding.ts";
import { CHECKS } from "../checks/index.ts";
import type { CheckName } from "../scenario/names.ts";
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
  budget: number;
  /** end the run at the first tail call past this many; default: none is too many */
  tailCallLimit?: number;
}

/** More of the same finding from one run help nobody. */
const MAX_FINDINGS = 16;

/** Runs programs on a machine with every contract on. */
export class Session {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly #book: CodeBook;

  constructor(kernel: Kernel, book: CodeBook) {
    this.kernel = kernel;
    this.machine = kernel.machine;
    this.#book = book;
  }

  /** Enter a program as the kernel does, and watch it until it returns or cannot go on. */
  enter(options: EnterOptions): Outcome {
    const { machine } = this;
    const findings: Finding[] = [];
    const context = this.#context(findings);
    const checks = CHECKS.map((check) => check.start(context));
    const calls = new Map<string, number>();
    let lowest = machine.task.stackHigh;
    const watch = (event: Event): void => {
      const rsp = event.words[event.at + EVENT_REGS + RSP];
      if (rsp < lowest && rsp >= machine.task.stackLow) lowest = rsp;
      if (event.kind === "host") calls.set(event.watched.name, (calls.get(event.watched.name) ?? 0) + 1);
    };
    this.prepare(options);
    const top = machine.engine.regs[RSP] + 8n;
    machine.events.observe(watch, ...checks.flatMap((check) => check.observe ?? []));
    const returned = this.#run(options.budget, checks);
    if (returned) for (const check of checks) check.returned?.();
    machine.events.observe();
    return {
      r0: returned ? machine.engine.regs[RAX] : undefined,
      tailCalls: BigInt(machine.tailCalls),
      instructions: machine.engine.icount,
      maxStack: Number(top - lowest),
      calls,
      findings,
    };
  }

  /** Set the machine up to enter the program. */
  prepare({ entry, context, second, budget, tailCallLimit }: EnterOptions): void {
    const { machine } = this;
    machine.tailCallLimit = tailCallLimit ?? Number.POSITIVE_INFINITY;
    machine.prepare({ entry, context, second: second ?? 0n, budget });
    machine.engine.icount = 0;
  }

  /** True when the program returned, false when it was ended. */
  #run(budget: number, checks: ActiveCheck[]): boolean {
    const { machine } = this;
    for (;;) {
      const stop: Stop = machine.resume(Math.max(0, budget - machine.engine.icount));
      if (stop.kind === "until") return true;
      if (fixupFault(machine, stop)) continue;
      let ended = false;
      for (const check of checks) if (check.stopped?.(stop)) ended = true;
      if (ended || stop.kind !== "stack") return false;
    }
  }

  #context(findings: Finding[]): CheckContext {
    const { machine } = this;
    const book = this.#book;
    return {
      machine,
      describe: (pc) => {
        const { function: name, offset } = locate(machine, book, pc);
        return offset ? `${name}+0x${offset.toString(16)}` : name;
      },
      report(check: CheckName, pc, what) {
        if (findings.length < MAX_FINDINGS) findings.push({ check, pc, ...what, ...locate(machine, book, pc) });
      },
    };
  }
}
