import { RIP, type Stop } from "../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import type { Machine } from "../../emulator/machine.ts";
import { PAGE } from "../../emulator/memory.ts";
import type { Watched } from "../../emulator/recording.ts";
import type { Task } from "../../emulator/task.ts";
import {
  addTally,
  applyTo,
  type Concrete,
  compose,
  type Effect,
  effectOf,
  inputsNow,
  newTally,
  readPlace,
  type Tally,
} from "./effect.ts";
import { followHost } from "./host.ts";
import { Memo, placeName } from "./memo.ts";
import { Refused, type StackRange, State } from "./state.ts";
import { type Executed, follow, followReturn } from "./step.ts";
import { RSP, u64 } from "./symbolic.ts";
import { Tracer } from "./trace.ts";

/** How often each thing happened in a run, however long it was. */
export type ExactRun =
  | { kind: "exact"; r0: bigint; tailCalls: bigint; instructions: bigint; calls: Map<string, bigint>; maxStack: number }
  | { kind: "endless"; why: string }
  | { kind: "refused"; why: string };

/** A function under way, or a program that a tail call has put in its place (`tail`: returns where its caller returns). */
interface Segment {
  pc: bigint;
  tail: boolean;
  state: State;
  tally: Tally;
  /** rsp when its `ret` executes, in this run */
  closeRsp: bigint;
}

export interface ExactOptions {
  /** instructions to execute, those that the memo saves not counted */
  budget?: number;
}

const BUDGET = 200_000;
const RAX = 0;

/**
 * Run from the registers as they are (Machine.prepare) to the return to the kernel, and remember what each function did from which
 * state: a function that is entered in such a state again isn't executed, its effect is applied. So counts come out exactly,
 * as bigints, on the real bytes. Refuses where it cannot tell what a function depends on.
 */
export function countExactly(machine: Machine, options: ExactOptions = {}): ExactRun {
  const run = new Counter(machine, options.budget ?? BUDGET);
  machine.events.stopAt(["enter", "reenter", "land", "host"]);
  try {
    return run.go();
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", why: error.message };
    throw error;
  } finally {
    machine.events.release();
  }
}

class Counter {
  readonly #machine: Machine;
  readonly #concrete: Concrete;
  readonly #tracer: Tracer;
  /** by address of entry or landing pad */
  readonly #memos = new Map<bigint, Memo>();
  readonly #open: Segment[] = [];
  readonly #budget: number;
  #root: Effect | undefined;
  #rsp = 0n;

  constructor(machine: Machine, budget: number) {
    this.#machine = machine;
    this.#budget = budget;
    this.#tracer = new Tracer(machine.engine);
    const { engine, memory } = machine;
    this.#concrete = {
      register: (index) => engine.regs[index],
      setRegister: (index, value) => {
        engine.regs[index] = value;
      },
      load: (address, size) => memory.load(address, size as 8),
      store: (address, size, value) => memory.store(address, size as 8, value),
    };
  }

  go(): ExactRun {
    const { engine } = this.#machine;
    this.#rsp = engine.regs[RSP];
    let left = this.#budget;
    while (left > 0) {
      const before = engine.icount;
      const stop = this.#tracer.run(RETURN_TO_KERNEL, left, (step) => this.#follow(step));
      left -= engine.icount - before;
      if (stop.kind === "until") return this.#result();
      if (stop.kind === "budget") break;
      const endless = this.#stopped(stop);
      if (endless) return endless;
      if (this.#root) return this.#result();
    }
    throw new Refused(`no end in sight after ${this.#budget} executed instructions`);
  }

  #result(): ExactRun {
    const root = this.#root;
    if (!root) throw new Refused("the program returned in an unexpected way");
    const { tailCalls, instructions, calls } = root.tally;
    const maxStack = Number(8n - root.lowest);
    return { kind: "exact", r0: this.#machine.engine.regs[RAX], tailCalls, instructions, calls, maxStack };
  }

  #stopped(stop: Stop): ExactRun | undefined {
    const watched = stop.kind === "watch" ? this.#machine.events.watched[stop.id] : undefined;
    if (!watched) throw new Refused(`the run stopped with a ${stop.kind} at ${this.#name(stop.pc)}`);
    if (watched.kinds.includes("host")) {
      followHost(this.#machine, this.#top().state, watched.name);
      const { calls } = this.#top().tally;
      calls.set(watched.name, (calls.get(watched.name) ?? 0n) + 1n);
      return undefined;
    }
    return this.#arrived(stop.pc, watched);
  }

  #name(pc: bigint): string {
    const at = this.#machine.functionAt(pc);
    return at ? `${at.func.image.name}+0x${at.offset.toString(16)}` : `0x${pc.toString(16)}`;
  }

  /** At the entry of a function, or where a tail call has landed: reuse what is remembered, or start to remember. */
  #arrived(pc: bigint, watched: Watched): ExactRun | undefined {
    if (this.#goesOn(watched)) return undefined;
    const tail = watched.kinds.includes("land");
    if (tail) this.#top().tally.tailCalls++;
    const stack = stackOf(this.#machine.task);
    const known = this.#memos.get(pc)?.find(this.#concrete, stack);
    if (known) {
      this.#reuse(known, inputsNow(known, this.#concrete), tail);
      return undefined;
    }
    if (tail && this.#repeats(pc))
      return { kind: "endless", why: `${watched.name} is tail-called again and again, and nothing counts up` };
    const rsp = this.#concrete.register(RSP);
    const state = new State(rsp, stack);
    const closeRsp = tail ? this.#top().closeRsp : rsp;
    this.#open.push({ pc, tail, state, tally: newTally(), closeRsp });
    return undefined;
  }

  /** A trampoline, and what a patch site jumps to or where it goes on, belong to the function whose patch site it is. */
  #goesOn({ func }: Watched): boolean {
    return func?.image.trampoline !== undefined || this.#open.at(-1)?.closeRsp === this.#concrete.register(RSP);
  }

  /** The innermost function would do what it did when an outer one of the same chain of tail calls was where it is. */
  #repeats(pc: bigint): boolean {
    const open = this.#open;
    for (let i = open.length - 1; i >= 0; i--) {
      if (open[i].pc === pc && open[i].tail && this.#wouldRepeat(i)) return true;
      if (!open[i].tail) return false;
    }
    return false;
  }

  #wouldRepeat(from: number): boolean {
    if (!this.#holds(this.#open[from].state)) return false;
    const state = this.#open[from].state.clone();
    for (const inner of this.#open.slice(from + 1))
      compose(
        state,
        effectOf(inner.state, newTally()),
        inner.state.inputs.map(({ value }) => value),
      );
    const effect = effectOf(state, newTally());
    const memo = new Memo();
    memo.add(effect);
    if (!memo.find(this.#concrete, stackOf(this.#machine.task))) return false;
    // what the way depends on must be the same next time, too, and not merely this time
    const outputs = new Map(effect.outputs.map(({ place, expr }) => [placeName(place), expr]));
    return effect.inputs.every(({ place, condition }) => {
      const output = condition && outputs.get(placeName(place));
      return !output || output.input < 0 || placeName(effect.inputs[output.input].place) === placeName(place);
    });
  }

  /** What the function's way depends on, as far as it has come, is the case now. */
  #holds({ inputs }: State): boolean {
    const rsp = this.#concrete.register(RSP);
    return inputs.every(({ place, condition }) => {
      if (!condition) return true;
      const value = readPlace(this.#concrete, rsp, place);
      return (condition.kind === "is" ? value : u64(value - rsp)) === condition.value;
    });
  }

  #reuse(effect: Effect, values: bigint[], tail: boolean): void {
    const { engine, memory } = this.#machine;
    const top = this.#open.at(-1);
    const returnTo = memory.load(tail && top ? top.closeRsp : this.#concrete.register(RSP), 8);
    applyTo(this.#concrete, effect, values);
    engine.regs[RIP] = returnTo;
    if (!top) {
      this.#root = effect;
      return;
    }
    compose(top.state, effect, values);
    addTally(top.tally, effect.tally);
    if (tail) this.#close();
  }

  #follow(step: Executed): void {
    const top = this.#top();
    top.tally.instructions++;
    if (step.insn.op === "ret" && step.before(RSP) === top.closeRsp) {
      const target = followReturn(top.state, step);
      const place = target.input < 0 ? undefined : top.state.inputs[target.input].place;
      const own = place?.at === "stack" && u64(top.state.rsp + place.offset) === top.closeRsp && target.add === 0n;
      if (!own) throw new Refused(`${this.#name(top.pc)} returns to an address that it made itself`);
      this.#close();
      return;
    }
    follow(top.state, step);
  }

  /** The innermost function has returned, and those that it replaced by tail calls have with it. */
  #close(): void {
    for (;;) {
      const segment = this.#open.pop()!;
      const effect = effectOf(segment.state, segment.tally);
      let memo = this.#memos.get(segment.pc);
      if (!memo) {
        memo = new Memo();
        this.#memos.set(segment.pc, memo);
      }
      memo.add(effect);
      const caller = this.#open.at(-1);
      if (!caller) {
        this.#root = effect;
        return;
      }
      compose(
        caller.state,
        effect,
        effect.inputs.map(({ value }) => value),
      );
      addTally(caller.tally, effect.tally);
      if (!segment.tail) return;
    }
  }

  #top(): Segment {
    const top = this.#open.at(-1);
    if (!top) throw new Refused("code runs before the program is entered");
    return top;
  }
}

/** The stack and the callers' frames above it. */
const stackOf = ({ stackLow, stackHigh }: Task): StackRange => ({ low: stackLow, high: stackHigh + PAGE });
