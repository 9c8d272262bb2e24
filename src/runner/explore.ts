import { type Suspended, suspend } from "../../emulator/contexts.ts";
import { R12, R13, R14, R15, RAX, RBP, RBX, RIP, type Stop } from "../../emulator/engine.ts";
import { entryPattern } from "../../emulator/entry.ts";
import { fixupFault } from "../../emulator/extable.ts";
import { fixupPoke, type PokeStep } from "../../emulator/poke.ts";
import type { Finding } from "../checks/finding.ts";
import type { Expectation, Happening } from "../scenario/scenario.ts";
import type { World } from "./build.ts";
import { Intruder, pokeSteps } from "./intruder.ts";
import { locate } from "./locate.ts";
import { findMoment } from "./moment.ts";
import { type EnterOptions, ProgramRun } from "./session.ts";

/** What came of trying an event at every instruction of a run. */
export interface Explored {
  /** how often it was tried */
  points: number;
  /** how often a contract or an expectation broke */
  broken: number;
  ms: number;
  /** of the first that broke: contracts, or else the expectations as a contract with the event's name */
  findings: Finding[];
}

/**
 * One way in which the event can happen at an instruction: the program runs to its end there, or up to its first BPF instruction
 * and on when the other one has returned, or `steps` steps of a poke are seen.
 */
type Variant = { kind: "whole" } | { kind: "up-to"; icount: number } | { kind: "poke"; steps: number };

const SAVED = [RBX, RBP, R12, R13, R14, R15];

/**
 * Tries the event at every instruction boundary of a run: from a snapshot there, with nobody watching but for what tells that
 * something broke; the first point that did is then repeated with every contract on.
 */
export class Explorer {
  readonly #world: World;
  readonly #options: EnterOptions;
  readonly #happening: Happening;
  readonly #expect: Expectation;
  readonly #intruder: Intruder | undefined;

  /** The machine is as it is before the run. */
  constructor(world: World, options: EnterOptions, happening: Happening, expect: Expectation) {
    this.#world = world;
    this.#options = options;
    this.#happening = happening;
    this.#expect = expect;
    const limit = options.tailCallLimit ?? Number.POSITIVE_INFINITY;
    this.#intruder = happening.kind === "poke" ? undefined : new Intruder(world, happening, limit);
  }

  explore(): Explored {
    const start = performance.now();
    const { session, kernel } = this.#world;
    const { engine } = session.machine;
    const base = engine.snapshot();
    const restoreKernel = kernel.save();
    const back = (): void => {
      engine.restore(base);
      restoreKernel();
    };
    const variants = this.#variants();
    back();
    const result: Explored = { points: 0, broken: 0, ms: 0, findings: [] };
    let first: { icount: number; variant: Variant } | undefined;
    session.prepare(this.#options);
    do {
      const { icount } = engine;
      for (const variant of this.#tryAll(variants, result)) first ??= { icount, variant };
    } while (this.#step());
    result.ms = performance.now() - start;
    if (first) {
      back();
      result.findings = this.#look(first.icount, first.variant);
    }
    back();
    engine.drop(base);
    return result;
  }

  #variants(): Variant[] {
    const intruder = this.#intruder;
    const { session } = this.#world;
    if (intruder && this.#happening.kind === "switch") {
      const point = { kind: "function", name: this.#happening.program, nth: 1 } as const;
      const body = intruder.enter(() => findMoment(session, point, this.#options.budget));
      return [{ kind: "whole" }, ...(body === undefined ? [] : [{ kind: "up-to", icount: body } as const])];
    }
    if (intruder) return [{ kind: "whole" }];
    let steps = 0;
    const variants: Variant[] = [];
    for (const step of this.#pokes()) {
      variants.push({ kind: "poke", steps: ++steps });
      if (step.grace) break;
    }
    session.machine.poking.clear();
    return variants;
  }

  *#pokes(): Generator<PokeStep> {
    if (this.#happening.kind === "poke") yield* pokeSteps(this.#world, this.#happening);
  }

  /** The variants that break something here; the machine is left as it was found. */
  #tryAll(variants: readonly Variant[], result: Explored): Variant[] {
    const { session, kernel } = this.#world;
    const { machine } = session;
    const { engine } = machine;
    const tailCalls = machine.tailCallCounts.save();
    const here = engine.snapshot();
    const restoreKernel = kernel.save();
    const broken = variants.filter((variant) => {
      const fine = this.#try(variant);
      engine.restore(here);
      restoreKernel();
      machine.tailCallCounts.restore(tailCalls);
      machine.poking.clear();
      return !fine;
    });
    engine.drop(here);
    result.points += variants.length;
    result.broken += broken.length;
    return broken;
  }

  /** One instruction of the undisturbed run. False: it was the last. */
  #step(): boolean {
    const { machine } = this.#world.session;
    const before = machine.engine.icount;
    for (;;) {
      const stop = machine.resume(1);
      if (stop.kind === "budget") return machine.engine.icount < this.#options.budget;
      if (!fixupFault(machine, stop)) return false;
      if (machine.engine.icount > before) return true;
    }
  }

  /** Let it happen, run to the end; does all look well? */
  #try(variant: Variant): boolean {
    const intruder = this.#intruder;
    if (!intruder) {
      const steps = this.#pokes();
      for (let i = 0; variant.kind === "poke" && i < variant.steps; i++) steps.next();
      return this.#finish();
    }
    if (variant.kind !== "up-to") return intruder.enter(() => this.#returns()) && this.#finish();
    const inner = this.#runUpTo(variant.icount, intruder);
    return this.#finish() && intruder.goOn(inner, () => this.#returns());
  }

  #runUpTo(icount: number, intruder: Intruder): Suspended {
    const { machine } = this.#world.session;
    return intruder.enter(() => {
      machine.resume(icount);
      return suspend(machine);
    });
  }

  /** Run on to the return: is everything there that must be? */
  #finish(): boolean {
    if (!this.#returns()) return false;
    const { machine } = this.#world.session;
    const { r0, tailCalls } = this.#expect;
    if (r0 && r0.value !== machine.engine.regs[RAX]) return false;
    return !tailCalls || tailCalls.value === BigInt(machine.tailCalls);
  }

  /** Run on to the return; registers that a callee saves are as they were at entry. */
  #returns(): boolean {
    const { machine } = this.#world.session;
    const { engine } = machine;
    for (;;) {
      const stop: Stop = machine.resume(Math.max(0, this.#options.budget - engine.icount));
      if (stop.kind === "until") return SAVED.every((reg) => engine.regs[reg] === entryPattern(reg));
      if (!fixupFault(machine, stop) && !fixupPoke(machine, stop)) return false;
    }
  }

  /** The same once more with every contract on, from the start of the run. */
  #look(icount: number, variant: Variant): Finding[] {
    const { session, book } = this.#world;
    const { machine } = session;
    session.prepare(this.#options);
    const run = new ProgramRun(session, this.#options.budget);
    run.go(icount);
    const pc = machine.engine.regs[RIP];
    const place = locate(machine, book, pc);
    const { function: name, offset } = place;
    const where = `after ${icount} instructions, at ${name}${offset ? `+0x${offset.toString(16)}` : ""}`;
    const intruded = this.#disturb(variant, run);
    const outcome = run.end();
    const event = this.#describe(variant);
    const findings = [...intruded, ...outcome.findings].map((finding) => ({
      ...finding,
      message: `${event} ${where}: ${finding.message}`,
    }));
    if (findings.length) return findings;
    const check = this.#happening.kind;
    const { r0, tailCalls } = this.#expect;
    const unmet = (what: string, expected: bigint, actual: bigint | undefined): Finding => ({
      ...{ check, message: `${event} ${where}: another ${what}`, pc, ...place },
      ...{ expected: `${what} = ${expected}, wherever it happens`, actual: `${actual ?? "(did not return)"}` },
    });
    if (r0 && r0.value !== outcome.r0) findings.push(unmet("r0", r0.value, outcome.r0));
    if (tailCalls && tailCalls.value !== outcome.tailCalls)
      findings.push(unmet("number of tail calls", tailCalls.value, outcome.tailCalls));
    return findings;
  }

  /** Let it happen and let the run go on to its end; what the program that is entered does wrong. */
  #disturb(variant: Variant, run: ProgramRun): Finding[] {
    const intruder = this.#intruder;
    const { session } = this.#world;
    if (!intruder) {
      const steps = this.#pokes();
      for (let i = 0; variant.kind === "poke" && i < variant.steps; i++) steps.next();
      run.go();
      return [];
    }
    if (variant.kind !== "up-to") {
      const { findings } = intruder.run(this.#options.budget);
      run.go();
      return findings;
    }
    const { inner, program } = intruder.enter(() => {
      const program = new ProgramRun(session, this.#options.budget);
      program.go(variant.icount);
      return { inner: suspend(session.machine), program };
    });
    run.go();
    return intruder.goOn(inner, () => {
      program.go();
      return program.end().findings;
    });
  }

  #describe(variant: Variant): string {
    const happening = this.#happening;
    if (happening.kind === "poke") return `a poke that has got to step ${variant.kind === "poke" ? variant.steps : 0}`;
    if (happening.kind === "interrupt") return `${happening.program}, entered in the same task`;
    return variant.kind === "up-to"
      ? `another task, switched to while it enters ${happening.program}`
      : `another task, switched to for a run of ${happening.program}`;
  }
}
