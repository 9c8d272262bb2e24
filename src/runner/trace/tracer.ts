import { ACCESS_WORDS, RFLAGS, RSP, STEP_WORDS, type Stop } from "../../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import { REG_NAMES } from "../../../jit/x86/regs.ts";
import type { World } from "../build.ts";
import type { Spectator } from "../session.ts";
import { Frames } from "./frames.ts";
import { Instructions } from "./instructions.ts";
import { Pointers } from "./pointers.ts";
import type { Arrival, Instruction, MemoryWrite, RegisterChange, TracedStep } from "./step.ts";

/** Instructions that are run before what they did is looked at: their records fit the engine's buffer. */
const SLICE = 1000;
/** Words of a step record: pc, icount, rflags, tag, then rax..r15. */
const PC = 0;
const ICOUNT = 1;
const FLAGS = 2;
const TAG = 3;
const REGS = 4;
/** CF PF AF ZF SF OF */
const ARITHMETIC_FLAGS = 0x8d5;

/**
 * Runs a session's programs and tells of every instruction, in slices, so that memory stays bounded however long they run. What
 * `take` throws ends the run.
 */
export class Tracer implements Spectator {
  readonly #world: World;
  readonly #take: (step: TracedStep) => void;
  readonly #instructions: Instructions;
  readonly #pointers: Pointers;
  /** by task */
  readonly #frames = new Map<bigint, Frames>();
  readonly #steps = new BigUint64Array((SLICE + 1) * STEP_WORDS);
  readonly #halves = new Uint32Array(this.#steps.buffer);
  readonly #accesses: BigUint64Array[] = [];
  readonly #modelled: MemoryWrite[] = [];
  #count = 0;
  #index = 0;
  #tag: bigint | undefined;
  #next = 0n;
  /** the state behind the last instruction of the slice before */
  readonly #behind = new BigUint64Array(STEP_WORDS);

  constructor(world: World, take: (step: TracedStep) => void) {
    this.#world = world;
    this.#take = take;
    this.#instructions = new Instructions(world.session.machine, world.book);
    this.#pointers = new Pointers(world.kernel);
  }

  /** Address of what the program is handed. */
  set context(address: bigint) {
    this.#pointers.context = address;
  }

  /** Instructions told of so far. */
  get count(): number {
    return this.#index;
  }

  resume(budget: number): Stop {
    const { engine, memory } = this.#world.session.machine;
    this.#instructions.forget();
    for (let left = budget; ; ) {
      const before = engine.icount;
      const slice = Math.min(left, SLICE);
      this.#count = 0;
      this.#accesses.length = this.#modelled.length = 0;
      memory.observe({ read: () => {}, write: (address, bytes) => this.#modelWrites(address, bytes) });
      const stop = engine.run({ until: RETURN_TO_KERNEL, budget: slice, trace: this });
      memory.observe(undefined);
      this.#tell(stop);
      left -= engine.icount - before;
      if (stop.kind !== "budget" || left <= 0) return stop;
    }
  }

  steps(records: BigUint64Array, count: number): void {
    this.#steps.set(records.subarray(0, count * STEP_WORDS), this.#count * STEP_WORDS);
    this.#count += count;
  }

  accesses(records: BigUint64Array, count: number): void {
    for (let at = 0; at < count * ACCESS_WORDS; at += ACCESS_WORDS)
      if (records[at + 3] >> 32n) this.#accesses.push(records.slice(at, at + ACCESS_WORDS));
  }

  #modelWrites(address: bigint, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 8) {
      const part = bytes.subarray(at, at + 8);
      let now = 0n;
      for (let i = part.length - 1; i >= 0; i--) now = (now << 8n) | BigInt(part[i]);
      this.#modelled.push({ address: address + BigInt(at), size: part.length, now });
    }
  }

  /** All steps of the slice; the state behind the last is the engine's. */
  #tell(stop: Stop): void {
    const { engine } = this.#world.session.machine;
    const words = this.#steps;
    const end = this.#count * STEP_WORDS;
    if (this.#count && this.#instructions.at(words[PC]).isModel) this.#carry(this.#behind, words, 0);
    words[end + PC] = stop.pc;
    words[end + FLAGS] = engine.regs[RFLAGS];
    words.set(engine.regs.subarray(0, 16), end + REGS);
    let access = 0;
    for (let at = 0; at < end; at += STEP_WORDS) {
      const writes: MemoryWrite[] = [];
      for (; access < this.#accesses.length && this.#accesses[access][0] <= words[at + ICOUNT]; access++)
        writes.push(writeOf(this.#accesses[access]));
      const last = at + STEP_WORDS === end;
      const step = this.#step(at, writes, last);
      if (last && !completed(stop, words[at + PC])) step.ended = stop.kind;
      this.#take(step);
    }
    this.#behind.set(words.subarray(end, end + STEP_WORDS));
  }

  #step(at: number, writes: MemoryWrite[], last: boolean): TracedStep {
    const words = this.#steps;
    const after = at + STEP_WORDS;
    const instruction = this.#instructions.at(words[at + PC]);
    const frames = this.#framesOf(words[at + TAG]);
    const arrival = this.#arrival(at, instruction, frames);
    this.#next = words[at + PC] + BigInt(instruction.bytes.length);
    if (!last && this.#instructions.at(words[after + PC]).isModel) this.#carry(words.subarray(at), words, after);
    const own = instruction.isModel ? [...this.#modelled.splice(0), ...writes] : writes;
    const step: TracedStep = {
      index: this.#index++,
      icount: Number(words[at + ICOUNT]),
      instruction,
      registers: this.#changes(at, frames),
      writes: own.map((write) => this.#named(write, frames, instruction)),
    };
    if (arrival) step.arrival = arrival;
    const [old, now] = [Number(words[at + FLAGS]), Number(words[after + FLAGS])];
    if ((old ^ now) & ARITHMETIC_FLAGS) step.flags = { old, now };
    return step;
  }

  /**
   * A modelled kernel function has done all its work when its first instruction is about to execute. So that this is told of as its
   * doing, and not the call's, it starts from the registers that the call leaves.
   */
  #carry(from: BigUint64Array, to: BigUint64Array, at: number): void {
    const rsp = to[at + REGS + RSP];
    to.set(from.subarray(REGS, REGS + 16), at + REGS);
    to[at + FLAGS] = from[FLAGS];
    to[at + REGS + RSP] = rsp;
  }

  #framesOf(tag: bigint): Frames {
    const task = tag >> 32n;
    let frames = this.#frames.get(task);
    if (!frames) {
      frames = new Frames();
      this.#frames.set(task, frames);
    }
    return frames;
  }

  #arrival(at: number, { func, offset }: Instruction, frames: Frames): Arrival | undefined {
    const words = this.#steps;
    const tag = words[at + TAG];
    const arrival = frames.arrive(func, offset, words[at + REGS + RSP], words[at + PC] !== this.#next);
    const switched = this.#tag !== undefined && this.#tag !== tag;
    this.#tag = tag;
    if (!switched || arrival) return arrival;
    return { kind: "task", task: Number(tag >> 32n), cpu: Number(tag & 0xffffffffn) };
  }

  #changes(at: number, frames: Frames): RegisterChange[] {
    const words = this.#steps;
    const halves = this.#halves;
    const changes: RegisterChange[] = [];
    for (let reg = 0; reg < 16; reg++) {
      const before = 2 * (at + REGS + reg);
      const after = before + 2 * STEP_WORDS;
      if (halves[before] === halves[after] && halves[before + 1] === halves[after + 1]) continue;
      const now = words[after / 2];
      const change: RegisterChange = { name: REG_NAMES[reg], old: words[before / 2], now };
      const means = reg === RSP ? undefined : this.#pointers.meaning(now, frames);
      changes.push(means === undefined ? change : { ...change, means });
    }
    return changes;
  }

  #named(write: MemoryWrite, frames: Frames, { asm }: Instruction): MemoryWrite {
    const place = asm.startsWith("call") ? "ret" : this.#pointers.placeOf(write.address, frames);
    const means = write.size === 8 ? this.#pointers.meaning(write.now, frames) : undefined;
    return { ...write, ...(place === undefined ? {} : { place }), ...(means === undefined ? {} : { means }) };
  }
}

function writeOf(access: BigUint64Array): MemoryWrite {
  return { address: access[2], size: Number(access[3] & 0xffffffffn), old: access[4], now: access[5] };
}

/** Whether the last instruction that was begun was finished, too. */
function completed(stop: Stop, pc: bigint): boolean {
  return (stop.kind !== "fault" && stop.kind !== "exception") || stop.pc !== pc;
}
