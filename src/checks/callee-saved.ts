import { EVENT_PC, EVENT_REGS, R12, R13, R14, R15, RBP, RBX, RSP } from "../../emulator/engine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { Event } from "../../emulator/recording.ts";
import { type Check, type CheckContext, hex } from "./check.ts";
import { Frames } from "./frames.ts";
import { landsInFreshFrame } from "./landing-frame.ts";

const SAVED: readonly [number, string][] = [
  [RBX, "rbx"],
  [RBP, "rbp"],
  [R12, "r12"],
  [R13, "r13"],
  [R14, "r14"],
  [R15, "r15"],
];

const SAVED_NUMBERS = SAVED.map(([reg]) => reg);

/** What a tail call hands over: all of SAVED but rbp, which the callee's frame already holds, and rsp. */
const HANDED_OVER = SAVED.filter(([reg]) => reg !== RBP);

/** Compares the registers at every return site, and where a tail call lands, with those at the entry that it belongs to. */
export const calleeSaved: Check = {
  name: "callee-saved",
  about:
    "rbx, rbp, r12 to r15 and rsp are after a call what they were before it, and at a tail call what the callee expects",
  start(context) {
    const frames = new Frames();
    const fresh = new Map<PlacedFunction, boolean>();
    const landsInFresh = (func: PlacedFunction): boolean => {
      const known = fresh.get(func);
      if (known !== undefined) return known;
      fresh.set(func, landsInFreshFrame(func.image));
      return fresh.get(func)!;
    };
    let site = 0n;
    return {
      observe(event) {
        if (event.kind === "enter" || event.kind === "reenter") frames.enter(event);
        else if (event.kind === "tail") site = event.words[event.at + EVENT_PC];
        else if (event.kind === "land") {
          if (frames.depth && event.watched.func && landsInFresh(event.watched.func))
            land(context, frames, event, site);
          frames.replace(event.watched.func);
        } else if (event.kind === "resume") resume(context, frames, event);
      },
      returned() {
        if (!frames.depth) return;
        const { regs } = context.machine.engine;
        compare(context, frames, 0, leaving(frames, 0), (reg) => regs[reg]);
      },
    };
  },
};

function resume(context: CheckContext, frames: Frames, event: Event): void {
  const index = frames.find(event);
  if (index < 0) return; // a kernel function returned
  const { words, at } = event;
  if (!isIntact(frames, index, event))
    compare(
      context,
      frames,
      index,
      event.watched.func ? words[at + EVENT_PC] : leaving(frames, index),
      (reg) => words[at + EVENT_REGS + reg],
    );
  frames.leave(index);
}

/** The way that nearly every event takes: no bigint, no allocation. */
function isIntact(frames: Frames, index: number, { halves, at }: Event): boolean {
  const registers = 2 * (at + EVENT_REGS);
  for (const reg of SAVED_NUMBERS)
    if (!frames.same(index, reg, halves[registers + 2 * reg], halves[registers + 2 * reg + 1])) return false;
  return frames.sameReturnedRsp(index, halves[registers + 2 * RSP], halves[registers + 2 * RSP + 1]);
}

/** A tail call lands behind push rbp; mov rbp, rsp of a frame that its caller has cleared. `site`: where it began. */
function land(context: CheckContext, frames: Frames, event: Event, site: bigint): void {
  const { halves, words, at } = event;
  const index = frames.depth - 1;
  const rsp = frames.register(index, RSP) - 8n;
  const now = (reg: number): bigint => words[at + EVENT_REGS + reg];
  const caller = frames.functions[index]?.image.name;
  for (const [reg, name] of HANDED_OVER) {
    const half = 2 * (at + EVENT_REGS + reg);
    if (frames.same(index, reg, halves[half], halves[half + 1])) continue;
    context.report("callee-saved", site, {
      message: `${caller} does not give ${name} back before its tail call`,
      expected: `${name} = ${hex(frames.register(index, reg))}`,
      actual: hex(now(reg)),
    });
  }
  if (now(RSP) !== rsp)
    context.report("callee-saved", site, {
      message: `${caller} hands its frame over with another stack pointer`,
      expected: `rsp = ${hex(rsp)}`,
      actual: `${hex(now(RSP))} (${now(RSP) - rsp} bytes off)`,
    });
}

/** Where the function of a frame restores what it saved: what is to blame when its caller is no BPF function. */
function leaving(frames: Frames, index: number): bigint {
  const func = frames.functions[index];
  return func ? func.image.address + BigInt(func.image.epilogue) : 0n;
}

function compare(context: CheckContext, frames: Frames, index: number, pc: bigint, now: (reg: number) => bigint): void {
  const callee = frames.functions[index]?.image.name;
  for (const [reg, name] of SAVED) {
    const before = frames.register(index, reg);
    if (now(reg) === before) continue;
    context.report("callee-saved", pc, {
      message: `${callee} did not preserve ${name}`,
      expected: `${name} = ${hex(before)}`,
      actual: hex(now(reg)),
    });
  }
  const rsp = frames.returnedRsp(index);
  if (now(RSP) !== rsp)
    context.report("callee-saved", pc, {
      message: `${callee} returned with another stack pointer`,
      expected: `rsp = ${hex(rsp)}`,
      actual: `${hex(now(RSP))} (${now(RSP) - rsp} bytes off)`,
    });
}
