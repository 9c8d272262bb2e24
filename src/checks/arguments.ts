import { EVENT_PC, EVENT_REGS, R8, RCX, RDI, RDX, RSI } from "../../emulator/engine.ts";
import type { PlacedFunction } from "../../emulator/machine.ts";
import type { Event } from "../../emulator/recording.ts";
import { type Check, type CheckContext, hex } from "./check.ts";

const ARGUMENTS: readonly [number, string][] = [
  [RDI, "R1 (rdi)"],
  [RSI, "R2 (rsi)"],
  [RDX, "R3 (rdx)"],
  [RCX, "R4 (rcx)"],
  [R8, "R5 (r8)"],
];

/** A function on its way from its entry to its first BPF instruction. */
interface Pending {
  func: PlacedFunction | undefined;
  /** rax..r15 as u32 halves */
  registers: Uint32Array;
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
    const tail = new Uint32Array(32);
    const registersOf = (event: Event): Uint32Array => {
      const from = 2 * (event.at + EVENT_REGS);
      return event.halves.subarray(from, from + 32);
    };
    const expect = (func: PlacedFunction | undefined, registers: Uint32Array, count: number): void => {
      pool[depth] ??= { func: undefined, registers: new Uint32Array(32), count: 0 };
      const pending = pool[depth++];
      pending.func = func;
      pending.registers.set(registers);
      pending.count = count;
    };
    const enter = (event: Event): void => {
      const { func } = event.watched;
      expect(func, registersOf(event), arity(func));
      if (func?.image.runCtx) pool[depth - 1].registers.set(runContext(context, event), 2 * RDI);
    };
    return {
      observe(event) {
        if (event.kind === "enter") enter(event);
        else if (event.kind === "tail") tail.set(registersOf(event));
        else if (event.kind === "land") expect(event.watched.func, tail, 1);
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

/** A trampoline restores as many arguments as the function has; on the direct way none may change. */
function arity(func: PlacedFunction | undefined): number {
  return func?.attached ? (func.image.nargs ?? 1) : ARGUMENTS.length;
}

function compare(context: CheckContext, pending: Pending, event: Event): void {
  for (let i = 0; i < pending.count; i++) {
    const [reg, name] = ARGUMENTS[i];
    const at = 2 * (event.at + EVENT_REGS + reg);
    const low = pending.registers[2 * reg];
    const high = pending.registers[2 * reg + 1];
    if (event.halves[at] === low && event.halves[at + 1] === high) continue;
    context.report("arguments", event.words[event.at + EVENT_PC], {
      message: `${event.watched.name} does not get ${name} as it was passed`,
      expected: `${name} = ${hex((BigInt(high) << 32n) | BigInt(low))}`,
      actual: hex(event.words[event.at + EVENT_REGS + reg]),
    });
  }
}
