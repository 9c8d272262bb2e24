import type { Stop } from "../../../emulator/engine.ts";
import type { Hit } from "../timeline/search.ts";
import { EXPEDITED, readRegister } from "./registers.ts";

/** Signals as gdb numbers them. */
const SIGINT = 2;
const SIGILL = 4;
const SIGTRAP = 5;
const SIGFPE = 8;
const SIGSEGV = 11;

const DIVIDE_ERROR = 0;
const BREAKPOINT = 3;
const INVALID_OPCODE = 6;

/** Why the inferior stands where it stands. */
export type Reason =
  | { kind: "stepped" }
  | { kind: "interrupted" }
  | { kind: "hit"; hit: Hit }
  /** the first or the last state of the recording */
  | { kind: "history"; end: "begin" | "end" }
  | { kind: "signal"; stop: Stop };

/** The signal of a run that cannot go on; undefined: nothing of the kind. */
export function signalOf(stop: Stop): number | undefined {
  if (stop.kind === "fault") return SIGSEGV;
  if (stop.kind === "landing") return SIGILL;
  if (stop.kind !== "exception") return undefined;
  return { [DIVIDE_ERROR]: SIGFPE, [BREAKPOINT]: SIGTRAP, [INVALID_OPCODE]: SIGILL }[stop.vector] ?? SIGSEGV;
}

/** A stop reply: `T`, signal, thread, the registers that gdb always wants to know, and the reason; `breakpoint` says of one what kind it is. */
export function stopReply(reason: Reason, thread: string, words: BigUint64Array, breakpoint: string): string {
  const registers = EXPEDITED.map((number) => `${hexByte(number)}:${readRegister(words, number)};`).join("");
  const [signal, why] = describe(reason, breakpoint);
  return `T${hexByte(signal)}thread:${thread};${registers}${why}`;
}

const hexByte = (value: number): string => value.toString(16).padStart(2, "0");

function describe(reason: Reason, breakpoint: string): [signal: number, why: string] {
  switch (reason.kind) {
    case "stepped":
      return [SIGTRAP, ""];
    case "interrupted":
      return [SIGINT, ""];
    case "history":
      return [SIGTRAP, `replaylog:${reason.end};`];
    case "signal":
      return [signalOf(reason.stop) ?? SIGTRAP, ""];
    case "hit":
      return [SIGTRAP, hitText(reason.hit, breakpoint)];
  }
}

function hitText({ watchpoint, breakpoint: isBreakpoint }: Hit, breakpoint: string): string {
  if (!watchpoint) return isBreakpoint ? breakpoint : "";
  const kind = watchpoint.reads ? (watchpoint.writes ? "awatch" : "rwatch") : "watch";
  return `${kind}:${watchpoint.address.toString(16)};`;
}
