import { ACCESS_WORDS, EVENT_ICOUNT, EVENT_PC, STEP_WORDS } from "../../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Piece } from "./piece.ts";
import { statesOf } from "./piece.ts";
import type { Timeline } from "./timeline.ts";

/** Bytes of memory whose accesses are looked for. */
export interface Watchpoint {
  address: bigint;
  size: number;
  reads: boolean;
  writes: boolean;
}

/** What to stop for. */
export interface Targets {
  /** addresses of instructions that are about to execute */
  breakpoints: ReadonlySet<bigint>;
  watchpoints: readonly Watchpoint[];
  /** stop where an instruction outside of [start, end) is about to execute */
  range?: { start: bigint; end: bigint };
}

/** A state to stop in: what for; the watchpoint is one of the targets'. */
export interface Hit {
  state: number;
  watchpoint?: Watchpoint;
  breakpoint?: boolean;
}

/** Instructions of the first piece of work, and of the largest: so many are looked at, at most, behind what is looked for. */
const FIRST_SLICE = 64;
const LARGEST_SLICE = 8192;

/**
 * Look for the next state behind the present one to stop in. Yields the state it has got to, every few thousand instructions; in between, the
 * machine stands anywhere. Undefined: there is none up to the end.
 */
export function* searchForward(timeline: Timeline, targets: Targets): Generator<number, Hit | undefined> {
  let slice = FIRST_SLICE;
  for (let at = timeline.at; at < timeline.end; ) {
    const piece = timeline.pieceAt(at);
    const left = piece.first + piece.length - at;
    const count = Math.min(left, slice);
    const looker = new Looker(timeline, piece, targets, timeline.at + 1);
    const hit = looker.look(at, count)[0];
    if (hit) return hit;
    at += Math.max(count, 1);
    const end = looker.atEnd();
    if (count === left && end && end.state > timeline.at) return end;
    if (count === left) at = Math.max(at, piece.first + statesOf(piece));
    slice = Math.min(4 * slice, LARGEST_SLICE);
    yield Math.min(at, timeline.end);
  }
  return undefined;
}

/** Look for the last state before the present one to stop in, like searchForward(). Undefined: there is none down to the start. */
export function* searchBackward(timeline: Timeline, targets: Targets): Generator<number, Hit | undefined> {
  for (let at = timeline.at; at > 0; ) {
    const piece = timeline.pieceAt(at - 1);
    const looker = new Looker(timeline, piece, targets, 0);
    const before = piece.first + piece.length;
    if (at > before) {
      const end = looker.atEnd();
      if (end) return end;
      at = before;
      if (piece.length === 0) continue;
    }
    const from = piece.checkpoints.findLast(({ offset }) => piece.first + offset < at)!;
    const start = piece.first + from.offset;
    const hits = looker.look(start, at - start).filter(({ state }) => state < at);
    const last = hits[hits.length - 1];
    if (last) return hits.find(({ state }) => state === last.state);
    at = start;
    yield at;
  }
  return undefined;
}

/** Runs parts of a piece with everything traced. */
class Looker {
  readonly #timeline: Timeline;
  readonly #piece: Piece;
  readonly #targets: Targets;
  readonly #earliest: number;
  readonly #lowHalves: ReadonlySet<number>;
  #hits: Hit[] = [];
  /** whether a watchpoint's hit is the state behind the access */
  readonly #behind: 0 | 1;

  /** `earliest`: the first state that counts; 0 also means that hits are those of going back. */
  constructor(timeline: Timeline, piece: Piece, targets: Targets, earliest: number) {
    this.#timeline = timeline;
    this.#piece = piece;
    this.#targets = targets;
    this.#earliest = earliest;
    this.#behind = earliest ? 1 : 0;
    this.#lowHalves = new Set([...targets.breakpoints].map((address) => Number(address & 0xffffffffn)));
  }

  /** All hits from a state on, `count` instructions far, in order. */
  look(from: number, count: number): Hit[] {
    this.#hits = [];
    if (count === 0) return [];
    const { machine } = this.#timeline;
    this.#timeline.visit(from);
    if (this.#targets.watchpoints.length)
      machine.memory.observe({
        read: (address, bytes) => this.#access(machine.engine.icount, address, bytes.length, false),
        write: (address, bytes) => this.#access(machine.engine.icount, address, bytes.length, true),
      });
    machine.events.observe(this.#enters);
    try {
      const accesses = this.#targets.watchpoints.length ? this.#accesses : () => {};
      machine.engine.run({ until: RETURN_TO_KERNEL, budget: count, trace: { steps: this.#steps, accesses } });
    } finally {
      machine.memory.observe(undefined);
      machine.events.observe();
    }
    return this.#hits.sort((a, b) => a.state - b.state || rank(a) - rank(b));
  }

  /** The state behind the piece's last instruction, where it is one to stop in. */
  atEnd(): Hit | undefined {
    const { showsEnd, stop, first, length } = this.#piece;
    const { breakpoints, range } = this.#targets;
    if (!showsEnd) return undefined;
    if (breakpoints.has(stop.pc)) return { state: first + length, breakpoint: true };
    return range && !isIn(range, stop.pc) ? { state: first + length } : undefined;
  }

  /** A modelled function that goes on elsewhere is entered, but its own instruction does not execute. */
  readonly #enters = ({ kind, words, at }: Event): void => {
    if (kind !== "host" && kind !== "resume") return;
    const state = this.#piece.first + Number(words[at + EVENT_ICOUNT]) - this.#piece.icount;
    if (state >= this.#earliest && this.#targets.breakpoints.has(words[at + EVENT_PC]))
      this.#hits.push({ state, breakpoint: true });
  };

  readonly #steps = (records: BigUint64Array, count: number): void => {
    const { range, breakpoints } = this.#targets;
    const { first, icount } = this.#piece;
    const halves = new Uint32Array(records.buffer, records.byteOffset, 2 * count * STEP_WORDS);
    for (let at = 0; at < count * STEP_WORDS; at += STEP_WORDS) {
      const isBreakpoint = this.#lowHalves.has(halves[2 * at]) && breakpoints.has(records[at]);
      if (!isBreakpoint && (!range || isIn(range, records[at]))) continue;
      const state = first + Number(records[at + 1]) - icount;
      if (state >= this.#earliest) this.#hits.push(isBreakpoint ? { state, breakpoint: true } : { state });
    }
  };

  readonly #accesses = (records: BigUint64Array, count: number): void => {
    for (let at = 0; at < count * ACCESS_WORDS; at += ACCESS_WORDS)
      this.#access(
        Number(records[at]),
        records[at + 2],
        Number(records[at + 3] & 0xffffffffn),
        records[at + 3] >> 32n !== 0n,
      );
  };

  #access(icount: number, address: bigint, size: number, write: boolean): void {
    const watchpoint = this.#targets.watchpoints.find(
      (one) =>
        (write ? one.writes : one.reads) &&
        address < one.address + BigInt(one.size) &&
        one.address < address + BigInt(size),
    );
    if (!watchpoint) return;
    const state = this.#piece.first + icount - this.#piece.icount + this.#behind;
    if (state >= this.#earliest) this.#hits.push({ state, watchpoint });
  }
}

const isIn = ({ start, end }: { start: bigint; end: bigint }, pc: bigint): boolean => pc >= start && pc < end;

/** Of several reasons to stop in a state, a watchpoint is told first, then a breakpoint. */
const rank = ({ watchpoint, breakpoint }: Hit): number => (watchpoint ? 0 : breakpoint ? 1 : 2);
