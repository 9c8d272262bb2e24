import type { State } from "./state.ts";
import { CONST, type Condition, constant, type Expr, evaluate, low32, type Place, plus, RSP, u64 } from "./symbolic.ts";

/** What happened in a function and all that it called. */
export interface Tally {
  tailCalls: bigint;
  instructions: bigint;
  /** calls of kernel functions by symbol */
  calls: Map<string, bigint>;
}

export const newTally = (): Tally => ({ tailCalls: 0n, instructions: 0n, calls: new Map() });

export function addTally(to: Tally, { tailCalls, instructions, calls }: Tally): void {
  to.tailCalls += tailCalls;
  to.instructions += instructions;
  for (const [name, count] of calls) to.calls.set(name, (to.calls.get(name) ?? 0n) + count);
}

/** What a function does from its entry to its return, whenever the conditions hold. */
export interface Effect {
  inputs: readonly { place: Place; condition: Condition | undefined; value: bigint }[];
  outputs: readonly { place: Place; expr: Expr }[];
  flags: readonly number[] | undefined;
  /** stack offsets touched, [lowest, highest); what is below `top`, where rsp is at the end, is left behind */
  lowest: bigint;
  highest: bigint;
  top: bigint;
  tally: Tally;
}

/** What the function has done so far. */
export function effectOf(state: State, tally: Tally): Effect {
  const top = state.register(RSP, state.rsp).value - state.rsp;
  const alive = [...state.outputs()].filter(({ place }) => place.at !== "stack" || place.offset >= top);
  return {
    outputs: alive,
    top,
    inputs: state.inputs.map(({ place, condition, value }) => ({ place, condition, value })),
    flags: state.flags,
    lowest: state.lowest,
    highest: state.highest,
    tally,
  };
}

/** Registers and memory of the machine as it stands. */
export interface Concrete {
  register(index: number): bigint;
  load(address: bigint, size: number): bigint;
  setRegister(index: number, value: bigint): void;
  store(address: bigint, size: number, value: bigint): void;
}

/** What is at a place when the stack pointer was `rsp` at entry. */
export function readPlace(machine: Concrete, rsp: bigint, place: Place): bigint {
  if (place.at === "register") return machine.register(place.index);
  return machine.load(place.at === "stack" ? u64(rsp + place.offset) : place.address, place.size);
}

/** What the effect's inputs are now. */
export function inputsNow({ inputs }: Effect, machine: Concrete): bigint[] {
  const rsp = machine.register(RSP);
  return inputs.map(({ place }) => readPlace(machine, rsp, place));
}

/** Do to the machine what the effect does. `values`: inputsNow(). */
export function applyTo(machine: Concrete, { outputs }: Effect, values: readonly bigint[]): void {
  const rsp = values[0];
  for (const { place, expr } of outputs) {
    const value = expr.input === CONST ? expr.add : evaluate(expr, values[expr.input]);
    if (place.at === "register") machine.setRegister(place.index, value);
    else machine.store(place.at === "stack" ? u64(rsp + place.offset) : place.address, place.size, value);
  }
}

/** Do to the caller's state what the effect does. `values`: the effect's inputs in this run. */
export function compose(caller: State, effect: Effect, values: readonly bigint[]): void {
  const rsp = caller.register(RSP, values[0]);
  const address = (place: Exclude<Place, { at: "register" }>): Expr =>
    place.at === "stack" ? plus(rsp, place.offset) : constant(place.address);
  const fetch = (index: number): Expr => {
    const { place } = effect.inputs[index];
    if (place.at === "register") return caller.register(place.index, values[index]);
    return caller.load(address(place), place.size, values[index]);
  };
  const inputs = effect.inputs.map((_, index) => fetch(index));
  for (const [index, { condition }] of effect.inputs.entries()) {
    if (condition?.kind === "is") caller.pin(inputs[index]);
    else if (condition) caller.relate(inputs[index], rsp);
  }
  const results = effect.outputs.map(({ expr }) => substitute(caller, expr, inputs[expr.input]));
  for (const [index, { place }] of effect.outputs.entries()) {
    if (place.at === "register") caller.registers[place.index] = results[index];
    else caller.store(address(place), place.size, results[index]);
  }
  caller.leaveBehind(values[0] - caller.rsp + effect.lowest, values[0] - caller.rsp + effect.top);
  if (effect.flags) caller.setFlags(...effect.flags.map((index) => inputs[index]));
}

/** The callee's expression in terms of the caller's inputs; `input` is what its input is there. */
function substitute(caller: State, { input: index, add, low }: Expr, input: Expr): Expr {
  if (index === CONST) return constant(add);
  const sum = plus(caller.resolve(input), add);
  return low ? plus(low32(sum), low.add) : sum;
}
