import {
  type Engine,
  EVENT_WORDS,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_RET,
  MARK_WATCH_SHIFT,
  RCX,
} from "../../emulator/engine.ts";
import { type Line, rig } from "./rig.ts";

/** Marks for watches 1 and 2. */
export const W1 = 1 << MARK_WATCH_SHIFT;
export const W2 = 2 << MARK_WATCH_SHIFT;
export const RET: Line = ["c3", "ret", MARK_RET];

/** rcx rounds over a watched instruction, line 1. */
export const LOOP: Line[] = [
  ["90", "nop", MARK_BY_DIRECT],
  ["48ffc0", "inc rax", W1],
  ["48ffc9", "dec rcx"],
  ["75f7", "jne -9", MARK_DIRECT],
  RET,
];

export function loop(rounds: number) {
  const machine = rig(LOOP);
  machine.engine.regs[RCX] = BigInt(rounds);
  return machine;
}

export function collect(engine: Engine): bigint[][] {
  const all: bigint[][] = [];
  engine.onEvents = (records, count) => {
    for (let i = 0; i < count; i++) all.push([...records.subarray(i * EVENT_WORDS, (i + 1) * EVENT_WORDS)]);
  };
  return all;
}
