import type { Checkpoint } from "../../../emulator/checkpoint.ts";
import { NREGS, RIP } from "../../../emulator/engine.ts";
import type { Machine } from "../../../emulator/machine.ts";
import type { World } from "../../runner/build.ts";
import { BUDGET } from "../../runner/enter-options.ts";
import type { Marks } from "./marks.ts";
import { type Piece, statesOf } from "./piece.ts";
import type { Recorder } from "./recorder.ts";

/**
 * A recorded run, and a place in it: the machine stands in state `at`, that many instructions and ends of pieces from the start.
 * Any state is a restored checkpoint and a few thousand instructions away, and always the same one.
 */
export class Timeline {
  readonly world: World;
  readonly machine: Machine;
  readonly #recorder: Recorder;
  #at = 0;
  /** the piece that the machine stands in; undefined: somewhere else, in the middle of a search */
  #in: Piece | undefined;
  /** the machine was altered in state `at`, and what follows was not run yet */
  #altered = false;

  constructor(world: World, recorder: Recorder) {
    this.world = world;
    this.machine = world.session.machine;
    this.#recorder = recorder;
    this.#goTo(0);
  }

  get at(): number {
    return this.#at;
  }

  get pieces(): readonly Piece[] {
    return this.#recorder.pieces;
  }

  get marks(): Marks {
    this.#settle();
    return this.#recorder.marks;
  }

  /** The last state. */
  get end(): number {
    this.#settle();
    const last = this.pieces[this.pieces.length - 1];
    return last.first + statesOf(last) - 1;
  }

  get piece(): Piece {
    return this.pieceAt(this.#at);
  }

  /** Instructions of the run under way that were executed before the present state. */
  get icount(): number {
    const { first, icount } = this.piece;
    return icount + this.#at - first;
  }

  pieceAt(state: number): Piece {
    const { pieces } = this;
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (pieces[mid].first <= state) low = mid;
      else high = mid - 1;
    }
    return pieces[low];
  }

  /** Go to a state of the recording. */
  seek(state: number): void {
    this.#settle();
    if (!Number.isInteger(state) || state < 0 || state > this.end) throw new RangeError(`there is no state ${state}`);
    if (state !== this.#at || !this.#in) this.#goTo(state);
  }

  /** Change registers or memory here; what comes behind is forgotten, and run anew when somebody goes there. */
  alter(change: () => void): void {
    if (!this.#altered) this.#recorder.cut(this.#at);
    this.#altered = true;
    change();
  }

  /** Run what an alteration leads to. */
  #settle(): void {
    if (!this.#altered) return;
    this.#altered = false;
    this.#in = undefined;
    this.#recorder.runOn(BUDGET);
    this.#goTo(this.#at);
  }

  #goTo(state: number): void {
    const piece = this.pieceAt(state);
    const from = checkpointBefore(piece, state);
    if (this.#in === piece && this.#at >= from.state && this.#at <= state) this.#replay(state - this.#at);
    else this.#restore(from, state);
    this.#at = state;
    this.#in = piece;
  }

  #restore({ state: from, checkpoint }: Place, state: number): void {
    checkpoint.restore();
    this.#replay(state - from);
  }

  #replay(instructions: number): void {
    const { engine } = this.machine;
    const before = engine.icount;
    if (instructions) this.machine.resume(instructions);
    const done = engine.icount - before;
    if (done !== instructions) throw new Error(`the replay differs: ${done} instructions instead of ${instructions}`);
  }

  /** Put the machine into a state to run it on from there for a look; comeBack() afterwards, or seek(). */
  visit(state: number): void {
    this.#in = undefined;
    this.#restore(checkpointBefore(this.pieceAt(state), state), state);
  }

  /** Back to the present state. */
  comeBack(): void {
    if (!this.#in) this.#goTo(this.#at);
  }

  /** rax..r15, rip, rflags and gs base of a thread, as they are or as it was left; undefined: it is not under way. */
  registersOf(tag: bigint): BigUint64Array | undefined {
    const { piece } = this;
    return tag === piece.tag ? this.machine.engine.regs.subarray(0, NREGS) : piece.waiting.get(tag);
  }

  /** Threads that are under way: the one that runs first. */
  get threads(): bigint[] {
    const { tag, waiting } = this.piece;
    return [tag, ...[...waiting.keys()].filter((other) => other !== tag)];
  }

  get pc(): bigint {
    return this.machine.engine.regs[RIP];
  }

  close(): void {
    this.machine.close();
  }
}

interface Place {
  state: number;
  checkpoint: Checkpoint;
}

function checkpointBefore({ first, checkpoints }: Piece, state: number): Place {
  const { offset, checkpoint } = checkpoints.findLast((one) => first + one.offset <= state)!;
  return { state: first + offset, checkpoint };
}
