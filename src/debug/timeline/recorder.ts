import { Checkpoint } from "../../../emulator/checkpoint.ts";
import { EVENT_FROM, EVENT_ICOUNT, NREGS, type Stop } from "../../../emulator/engine.ts";
import { fixupFault } from "../../../emulator/extable.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import { fixupPoke } from "../../../emulator/poke.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Finding } from "../../checks/finding.ts";
import type { Outcome } from "../../runner/session.ts";
import type { RunWatcher } from "../../runner/trace/run.ts";
import type { Marks } from "./marks.ts";
import { type Piece, statesOf } from "./piece.ts";

/** Instructions between two checkpoints, as long as there are not too many of those. */
const INTERVAL = 8192;
const MOST_CHECKPOINTS = 4096;

/** Stops behind which the machine is not where it goes on: a fault that is fixed up, a return to the kernel. */
const ENDS: Stop["kind"][] = ["until", "fault", "exception", "landing", "watch", "limit"];

/** Runs a scenario piece by piece and keeps checkpoints, so that every state can be gone back to. */
export class Recorder implements RunWatcher {
  readonly pieces: Piece[] = [];
  readonly marks: Marks = { tailCalls: [], refused: [], findings: [], ends: [] };
  readonly #kernel: Kernel;
  /** registers of threads that have not returned, by tag */
  #threads = new Map<bigint, BigUint64Array>();
  #run = { number: 0, program: "" };
  #states = 0;
  #interval: number;
  #checkpoints = 0;
  /** tail calls of the piece under way: where one was tried */
  #tried: number | undefined;
  #unplaced: Finding[] = [];

  constructor(kernel: Kernel, interval = INTERVAL) {
    this.#kernel = kernel;
    this.#interval = interval;
  }

  begins(run: { number: number; program: string }): void {
    this.#run = run;
  }

  found(finding: Finding): void {
    this.#unplaced.push(finding);
  }

  ends({ r0 }: Outcome): void {
    this.#settle(this.#states);
    const { number: run, program } = this.#run;
    this.marks.ends.push({ run, program, state: Math.max(0, this.#states - 1), r0 });
  }

  /** Comes behind the checks, so the event is the one that a check has just reported of. */
  readonly observe = ({ kind, watched, words, at }: Event): void => {
    const piece = this.pieces[this.pieces.length - 1];
    const state = piece.first + Number(words[at + EVENT_ICOUNT]) - piece.icount;
    this.#settle(state);
    if (this.#tried !== undefined && kind !== "land") this.marks.refused.push(this.#tried);
    this.#tried = kind === "tail" ? state : undefined;
    if (kind === "land")
      this.marks.tailCalls.push({ state, from: words[at + EVENT_FROM], callee: watched.name, run: this.#run.number });
  };

  #settle(state: number): void {
    for (const finding of this.#unplaced.splice(0)) this.marks.findings.push({ finding, noticed: state });
  }

  /** Run the next piece. */
  resume(budget: number): Stop {
    const { machine } = this.#kernel;
    const { engine } = machine;
    this.#settle(this.#states);
    const { number: run, program } = this.#run;
    const { tag, icount } = engine;
    this.#threads.delete(tag);
    const piece: Piece = {
      ...{ run, program, tag, icount },
      first: this.#states,
      length: 0,
      stop: { kind: "budget", pc: 0n },
      showsEnd: false,
      checkpoints: [],
      waiting: new Map(this.#threads),
    };
    this.pieces.push(piece);
    this.#keep(piece, 0);
    for (let left = budget; ; ) {
      piece.stop = machine.resume(Math.min(left, this.#interval));
      piece.length = engine.icount - icount;
      left = budget - piece.length;
      if (piece.stop.kind !== "budget" || left <= 0) break;
      this.#keep(piece, piece.length);
    }
    piece.showsEnd = ENDS.includes(piece.stop.kind);
    this.#states += statesOf(piece);
    if (piece.stop.kind !== "until") this.#threads.set(tag, engine.regs.slice(0, NREGS));
    return piece.stop;
  }

  /** Run on from an altered state to wherever it ends, with nobody who checks. */
  runOn(budget: number): void {
    const { machine } = this.#kernel;
    const end = machine.engine.icount + budget;
    machine.events.observe(this.observe);
    try {
      let stop: Stop;
      do stop = this.resume(Math.max(0, end - machine.engine.icount));
      while (fixupFault(machine, stop) || fixupPoke(machine, stop) || stop.kind === "stack");
    } finally {
      machine.events.observe();
      this.pieces[this.pieces.length - 1].showsEnd = true;
    }
    this.#count();
  }

  /** Forget what comes behind a state, and the piece that it is in ends there: it will be run anew. */
  cut(state: number): void {
    while (this.pieces.length > 1 && this.pieces[this.pieces.length - 1].first > state) drop(this.pieces.pop()!);
    const last = this.pieces[this.pieces.length - 1];
    const offset = state - last.first;
    for (const { checkpoint } of last.checkpoints.splice(last.checkpoints.findLastIndex((c) => c.offset <= offset) + 1))
      checkpoint.drop();
    Object.assign(last, { length: offset, showsEnd: false, stop: { kind: "budget", pc: 0n } });
    this.#run = { number: last.run, program: last.program };
    this.#threads = new Map(last.waiting);
    this.#tried = undefined;
    const { marks } = this;
    marks.tailCalls = marks.tailCalls.filter((call) => call.state <= state);
    marks.refused = marks.refused.filter((at) => at < state);
    marks.findings = marks.findings.filter(({ noticed }) => noticed <= state);
    marks.ends = marks.ends.filter((end) => end.state < state);
    this.#count();
  }

  /** The recording is complete; its last state is where it ended. */
  end(): void {
    const last = this.pieces[this.pieces.length - 1];
    if (last) last.showsEnd = true;
    this.#count();
  }

  #count(): void {
    const last = this.pieces[this.pieces.length - 1];
    this.#states = last ? last.first + statesOf(last) : 0;
  }

  #keep(piece: Piece, offset: number): void {
    piece.checkpoints.push({ offset, checkpoint: new Checkpoint(this.#kernel) });
    if (++this.#checkpoints > MOST_CHECKPOINTS) this.#thin();
  }

  /** Every other checkpoint goes, but for those that pieces begin with. */
  #thin(): void {
    this.#checkpoints = 0;
    for (const piece of this.pieces) {
      piece.checkpoints = piece.checkpoints.filter(({ checkpoint }, i) => {
        if (i % 2 === 0) return true;
        checkpoint.drop();
        return false;
      });
      this.#checkpoints += piece.checkpoints.length;
    }
    this.#interval *= 2;
  }
}

function drop(piece: Piece): void {
  for (const { checkpoint } of piece.checkpoints) checkpoint.drop();
}
