import { EVENT_PC, EVENT_REGS, R8, RCX, RDI, RDX, RSI, RSP } from "../../emulator/engine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { Event } from "../../emulator/recording.ts";
import { type Check, type CheckContext, hex } from "./check.ts";

const ARGUMENTS: readonly [number, string][] = [
  [RDI, "R1 (rdi)"],
  [RSI, "R2 (rsi)"],
  [RDX, "R3 (rdx)"],
  [RCX, "R4 (rcx)"],
  [R8, "R5 (r8)"],
];

const REGISTERS = ARGUMENTS.map(([reg]) => reg);

/** where ARGUMENTS' halves hold rdi */
const CONTEXT = 0;

/** A function on its way from its entry to its first BPF instruction. */
interface Pending {
  func: PlacedFunction | undefined;
  /** ARGUMENTS as u32 halves, low first */
  registers: Uint32Array;
  /** low half of rsp at its entry */
  top: number;
  /** how many of ARGUMENTS must arrive: all after a call, the context after a tail call */
  count: number;
}

/** R1 to R5 at a function's first BPF instruction are what its caller passed; a tail callee gets the context. */
export const argumentsIntact: Check = {
  name: "arguments",
  about: "R1 to R5, or the context of a tail call, reach the callee's first BPF instruction intact",
  start(context) {
    const pool: Pending[] = [];
    let depth = 0;
    const tail = new Uint32Array(2 * ARGUMENTS.length);
    const expect = (func: PlacedFunction | undefined, count: number, top: number): Uint32Array => {
      pool[depth] ??= { func: undefined, registers: new Uint32Array(2 * ARGUMENTS.length), count: 0, top: 0 };
      const pending = pool[depth++];
      pending.func = func;
      pending.count = count;
      pending.top = top;
      return pending.registers;
    };
    /** The function is jumped to from the patch site of another one, which it replaces. */
    const takesOver = (func: PlacedFunction | undefined, top: number): boolean => {
      // what was entered from a deeper stack has ended without its body, as under an fmod_ret program
      while (depth && pool[depth - 1].top < top) depth--;
      const outer = depth ? pool[depth - 1] : undefined;
      if (!outer?.func?.attached || outer.top !== top) return false;
      outer.func = func;
      outer.count = arity(func);
      return true;
    };
    const enter = (event: Event): void => {
      const { func } = event.watched;
      if (func?.image.trampoline) return;
      const top = event.halves[2 * (event.at + EVENT_REGS + RSP)];
      if (takesOver(func, top)) return;
      const registers = expect(func, arity(func), top);
      note(event, registers);
      if (func?.image.runCtx) registers.set(runContext(context, event), CONTEXT);
    };
    return {
      observe(event) {
        if (event.kind === "enter") enter(event);
        else if (event.kind === "tail") note(event, tail);
        else if (event.kind === "land")
          expect(event.watched.func, 1, event.halves[2 * (event.at + EVENT_REGS + RSP)]).set(tail);
        else if (event.kind === "body") {
          // a trampoline may run other programs between a function's entry and its body
          let index = depth - 1;
          while (index >= 0 && pool[index].func !== event.watched.func) index--;
          if (index < 0) return;
          depth = index;
          compare(context, pool[index], event);
        }
      },
    };
  },
};

/** The context that a struct bpf_tail_call_run_ctx carries, as u32 halves. */
function runContext({ machine }: CheckContext, event: Event): Uint32Array {
  const context = machine.memory.load(event.words[event.at + EVENT_REGS + RDI], 8);
  return Uint32Array.of(Number(context & 0xffffffffn), Number(context >> 32n));
}

/** Keep an event's arguments. */
function note({ halves, at }: Event, to: Uint32Array): void {
  for (let i = 0; i < REGISTERS.length; i++) {
    const from = 2 * (at + EVENT_REGS + REGISTERS[i]);
    to[2 * i] = halves[from];
    to[2 * i + 1] = halves[from + 1];
  }
}

/** A trampoline restores as many arguments as the function has; on the direct way none may change. */
function arity(func: PlacedFunction | undefined): number {
  return func?.attached ? Math.min(func.image.nargs ?? 1, ARGUMENTS.length) : ARGUMENTS.length;
}

function compare(context: CheckContext, pending: Pending, event: Event): void {
  for (let i = 0; i < pending.count; i++) {
    const at = 2 * (event.at + EVENT_REGS + REGISTERS[i]);
    const low = pending.registers[2 * i];
    const high = pending.registers[2 * i + 1];
    if (event.halves[at] === low && event.halves[at + 1] === high) continue;
    const [reg, name] = ARGUMENTS[i];
    context.report("arguments", event.words[event.at + EVENT_PC], {
      message: `${event.watched.name} does not get ${name} as it was passed`,
      expected: `${name} = ${hex((BigInt(high) << 32n) | BigInt(low))}`,
      actual: hex(event.words[event.at + EVENT_REGS + reg]),
    });
  }
}
