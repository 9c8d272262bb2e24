import type { Insn } from "../../../bpf/insn.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import { type HelperTable, UnknownHelper } from "../../../bpf/interpreter/runnable.ts";
import { FlatMemory } from "../../../bpf/memory.ts";
import type { Entry, Execution } from "../execution.ts";
import { newRoom } from "../on-interpreter.ts";
import { helperName, UBPF_HELPERS, UNWIND } from "./helpers.ts";

export interface Interpreted extends Execution {
  /** it reached for memory that it was not given */
  outOfBounds: boolean;
}

/** A program as it is written: no kernel's rules, but RFC 9669's. */
export function interpret(
  insns: readonly Insn[],
  budget: number,
  enter: (room: ReturnType<typeof newRoom>) => Entry,
): Interpreted {
  const memory = new FlatMemory();
  const { r1, r2 } = enter(newRoom(memory, {}, "little"));
  const outcome = new Interpreter({ memory, helpers: ubpfHelpers(memory), budget }).run({ insns }, r1, r2);
  const rest = { findings: [], instructions: outcome.instructions, maxStack: 0 };
  if (outcome.kind === "exit") return { r0: outcome.r0, outOfBounds: false, ...rest };
  if (outcome.kind === "budget")
    return { r0: undefined, stopped: `no end after ${budget} instructions`, outOfBounds: false, ...rest };
  const { slot, message, reason } = outcome.fault;
  return { r0: undefined, stopped: `slot ${slot}: ${message}`, outOfBounds: reason === "memory", ...rest };
}

const ubpfHelpers = (memory: FlatMemory): HelperTable => ({
  call(id, args) {
    const name = helperName(Number(id));
    if (name === undefined) throw new UnknownHelper(id);
    const result = BigInt.asUintN(64, UBPF_HELPERS[name](args, memory));
    return Number(id) === UNWIND && result === 0n ? unwind() : result;
  },
});

/** The program ends with 0. */
function* unwind(): Generator<{ throw: bigint }, bigint, bigint> {
  yield { throw: 0n };
  return 0n;
}
