import { markAsUntransferable } from "node:worker_threads";
import {
  ACCESS_WORDS,
  type Engine,
  EngineError,
  EVENT_WORDS,
  NREGS,
  type RunOptions,
  type Snapshot,
  STEP_WORDS,
  type Stop,
  type Trace,
  type Watch,
} from "../engine.ts";
import { type Addon, type Handle, loadAddon } from "./addon.ts";
import { BufferPool } from "./buffers.ts";

/** Words of the block that C++ shares with us, see engine.h. */
const TAG = NREGS;
const ICOUNT = NREGS + 1;
const STOP = NREGS + 2;
const BLOCK_WORDS = STOP + 6;

/** Engine::Option */
const BARE = 1;
const STORE_HOOKS = 2;

/** Callback */
const ON_EVENTS = 0;
const ON_WATCH = 1;
const ON_STEPS = 2;

const events = new BufferPool(1024 * EVENT_WORDS);
const steps = new BufferPool(1024 * STEP_WORDS);
const accesses = new BufferPool(4096 * ACCESS_WORDS);

const ACCESS = ["read", "write", "fetch"] as const;
const STACK_WHY = ["below-rsp", "below-rsp", "control-slot"] as const;

export interface NativeOptions {
  /**
   * Unicorn alone, for measuring what we add to it: run() ends at `until` or at a fault. Marks, watches, guards, budget and
   * stop flag have no effect, and the pc of a fault is the start of its block.
   */
  bare?: boolean;
  /** Hear of stores only through Unicorn's hooks, as where libunicorn is a shared library. Slower, same results. */
  storeHooks?: boolean;
}

class NativeSnapshot implements Snapshot {
  readonly bytes: number;
  readonly id: number;
  readonly owner: NativeEngine;
  constructor(owner: NativeEngine, id: number, bytes: number) {
    this.owner = owner;
    this.id = id;
    this.bytes = bytes;
  }
}

/**
 * The engine over libunicorn. An instance belongs to the thread that made it; `close` it, as native memory is freed late by
 * the garbage collector. Executing a `rep` string instruction counts as one instruction, whatever it repeats.
 */
export class NativeEngine implements Engine {
  readonly name: string;
  readonly regs: BigUint64Array;
  readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  onEvents: ((records: BigUint64Array, count: number) => void) | undefined;

  readonly #addon: Addon;
  readonly #block: BigUint64Array;
  readonly #icount: Float64Array;
  #handle: Handle | undefined;
  #running = false;
  readonly #calls = new Map<number, NonNullable<Watch["call"]>>();
  #trace: Trace | undefined;
  #events: BigUint64Array | undefined;
  #steps: BigUint64Array | undefined;
  #accesses: BigUint64Array | undefined;

  constructor(options: NativeOptions = {}) {
    this.#addon = loadAddon();
    this.name = this.#addon.describe();
    const block = new ArrayBuffer(BLOCK_WORDS * 8);
    markAsUntransferable(block);
    this.#block = new BigUint64Array(block);
    this.#icount = new Float64Array(block, ICOUNT * 8, 1);
    this.regs = new BigUint64Array(block, 0, NREGS);
    this.#handle = this.#addon.create(
      this.#block,
      this.stopFlag,
      (options.bare ? BARE : 0) | (options.storeHooks ? STORE_HOOKS : 0),
    );
  }

  get tag(): bigint {
    return this.#block[TAG];
  }
  set tag(tag: bigint) {
    this.#block[TAG] = tag;
  }

  get icount(): number {
    return this.#icount[0];
  }
  set icount(icount: number) {
    if (!Number.isSafeInteger(icount) || icount < 0) throw new EngineError(`icount: ${icount} is not a count`);
    this.#icount[0] = icount;
  }

  map(addr: bigint, size: number, prot: number): void {
    check(this.#addon.map(this.#open(), addr, size, prot));
  }

  protect(addr: bigint, size: number, prot: number): void {
    check(this.#addon.protect(this.#open(), addr, size, prot));
  }

  read(addr: bigint, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    check(this.#addon.read(this.#open(), addr, bytes));
    return bytes;
  }

  write(addr: bigint, bytes: Uint8Array): void {
    check(this.#addon.write(this.#open(), addr, bytes));
  }

  mark(addr: bigint, marks: Uint32Array): void {
    check(this.#addon.mark(this.#open(), addr, marks));
  }

  watch(id: number, watch: Watch): void {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff) throw new EngineError(`watch: ${id} is not an id of 1..65535`);
    const { count, limit, event, call, stop, transfersOnly } = watch;
    const bits = [count, limit !== undefined, event, call, stop, transfersOnly];
    const flags = bits.reduce<number>((sum, on, i) => sum | (on ? 1 << i : 0), 0);
    const handle = this.#open();
    if (event && !this.#events) {
      this.#events = events.take();
      this.#setRecords();
    }
    if (call) this.#calls.set(id, call);
    else this.#calls.delete(id);
    this.#addon.watch(handle, id, flags, limit ?? 0);
  }

  hits(id: number): number {
    return this.#addon.hits(this.#open(), id);
  }

  resetHits(): void {
    this.#addon.resetHits(this.#open());
  }

  guardStack(low: bigint, high: bigint): void {
    check(this.#addon.guardStack(this.#open(), low, high));
  }

  run(options: RunOptions): Stop {
    const handle = this.#idle("run");
    const { until, budget, trace } = options;
    if (!(budget >= 0)) throw new EngineError(`run: a budget of ${budget} instructions makes no sense`);
    if (trace && !this.#steps) {
      this.#steps = steps.take();
      this.#accesses = accesses.take();
      this.#setRecords();
    }
    this.#trace = trace;
    this.#running = true;
    try {
      const most = Math.min(Math.floor(budget), Number.MAX_SAFE_INTEGER);
      check(this.#addon.run(handle, until, most, trace ? 1 : 0, this.#callback));
    } finally {
      this.#running = false;
      this.#trace = undefined;
    }
    return this.#stop();
  }

  snapshot(): Snapshot {
    const bytes = new Float64Array(1);
    const id = this.#addon.snapshot(this.#idle("snapshot"), bytes);
    return new NativeSnapshot(this, id, bytes[0]);
  }

  restore(snapshot: Snapshot): void {
    check(this.#addon.restore(this.#idle("restore"), this.#own(snapshot).id));
  }

  drop(snapshot: Snapshot): void {
    this.#addon.drop(this.#idle("drop"), this.#own(snapshot).id);
  }

  close(): void {
    if (this.#running) throw new EngineError("close: the engine is running");
    if (!this.#handle) return;
    this.#addon.close(this.#handle);
    this.#handle = undefined;
    this.#calls.clear();
    events.give(this.#events);
    steps.give(this.#steps);
    accesses.give(this.#accesses);
    this.#events = this.#steps = this.#accesses = undefined;
  }

  /** True stops the run at the watched instruction. */
  readonly #callback = (what: number, argument: number): boolean => {
    if (what === ON_WATCH) return this.#calls.get(argument)?.() === "stop";
    if (what === ON_EVENTS) this.onEvents?.(this.#events!, argument);
    else if (what === ON_STEPS) this.#trace?.steps(this.#steps!, argument);
    else this.#trace?.accesses(this.#accesses!, argument);
    return false;
  };

  #open(): Handle {
    if (!this.#handle) throw new EngineError("the engine is closed");
    return this.#handle;
  }

  #idle(what: string): Handle {
    if (this.#running) throw new EngineError(`${what}: the engine is running`);
    return this.#open();
  }

  #own(snapshot: Snapshot): NativeSnapshot {
    if (snapshot instanceof NativeSnapshot && snapshot.owner === this) return snapshot;
    throw new EngineError("the snapshot is another engine's");
  }

  #setRecords(): void {
    this.#addon.setRecords(this.#open(), this.#events, this.#steps, this.#accesses);
  }

  #stop(): Stop {
    const block = this.#block;
    const pc = block[STOP + 1];
    const a = block[STOP + 2];
    const b = block[STOP + 3];
    const c = block[STOP + 4];
    const d = block[STOP + 5];
    switch (Number(block[STOP])) {
      case 1:
        return { kind: "until", pc };
      case 2:
        return { kind: "budget", pc };
      case 3:
        return { kind: "stopped", pc };
      case 4:
        return { kind: "watch", pc, id: Number(a) };
      case 5:
        return { kind: "limit", pc, id: Number(a) };
      case 6: {
        const fault = { kind: "fault", pc, addr: b, mapped: d !== 0n } as const;
        if (ACCESS[Number(a)] !== "fetch") return { ...fault, access: ACCESS[Number(a)], size: Number(c) };
        return { ...fault, access: "fetch", size: 0, ...(c ? { from: c } : {}) };
      }
      case 7:
        return { kind: "exception", pc, vector: Number(a) };
      case 8:
        return { kind: "landing", pc, from: a };
      case 9:
        return { kind: "stack", pc, addr: a, size: Number(b), why: STACK_WHY[Number(c)] };
      default:
        throw new EngineError(`run: unknown stop ${block[STOP]}`);
    }
  }
}

function check(error: string | undefined): void {
  if (error !== undefined) throw new EngineError(error);
}
