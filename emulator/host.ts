import { R8, R9, R10, R11, RAX, RCX, RDI, RDX, RFLAGS, RIP, RSI, RSP } from "./engine.ts";
import type { Machine } from "./machine.ts";
import { GuestFault } from "./memory.ts";

/** What a modelled kernel function sees of its call. */
export interface HostCall {
  readonly machine: Machine;
  readonly name: string;
  /** rdi, rsi, rdx, rcx, r8, r9 */
  readonly args: readonly bigint[];
}

/** Ask the machine to call guest code with these arguments; the yield's value is its rax. */
export interface GuestCall {
  call: bigint;
  args: readonly bigint[];
}

/** Leave the kernel function for good: control goes to `jump` with these registers, and never comes back. */
export interface GuestJump {
  jump: bigint;
  args: readonly bigint[];
}

/**
 * A kernel function that calls guest code (callbacks) on its way: next() with the last call's rax gives the next call; its return
 * value is rax.
 */
export type HostSteps = Generator<GuestCall | GuestJump, bigint, bigint> | CopyableSteps;

/** Steps that can be copied while they wait for a call, so that a run can be gone back into. */
export interface CopyableSteps {
  next(...rax: [] | [bigint]): IteratorResult<GuestCall | GuestJump, bigint>;
  copy(): CopyableSteps;
}

/** Steps that are nothing but a state and what comes after it: `next` gives the next call, or the return value. */
export function copyableSteps<S>(
  state: S,
  next: (state: S, rax: bigint | undefined) => [S, GuestCall] | bigint,
): CopyableSteps {
  return {
    next(rax?: bigint) {
      const result = next(state, rax);
      if (typeof result === "bigint") return { done: true, value: result };
      state = result[0];
      return { done: false, value: result[1] };
    },
    copy: () => copyableSteps(state, next),
  };
}
/** A kernel function as a model: returns rax, or the steps to get there. */
export type HostFunction = (call: HostCall) => bigint | HostSteps;

/** A program called a kernel function that the machine has no model of. */
export class UnmodelledCall extends Error {
  override name = "UnmodelledCall";
  readonly symbol: string;
  /** where the call would return to */
  readonly returnAddress: bigint;

  constructor(symbol: string, returnAddress: bigint) {
    super(`the machine has no model of ${symbol}`);
    this.symbol = symbol;
    this.returnAddress = returnAddress;
  }
}

/** A kernel function that faulted. */
export interface HostFault {
  symbol: string;
  /** where it would have returned to */
  returnAddress: bigint;
  /** what it could not do */
  message: string;
}

export const ARGUMENTS = [RDI, RSI, RDX, RCX, R8, R9];
const SCRATCH = [RCX, RDX, RSI, RDI, R8, R9, R10, R11];
/** What a C function leaves in a register that the ABI lets it scratch. */
export const poison = (reg: number): bigint => 0xdead_0000_0bad_0000n | (BigInt(reg) << 32n) | BigInt(reg);
/** all arithmetic flags set: CF PF AF ZF SF OF, and the bits that are always there */
const POISONED_FLAGS = 0x8d5n | 0x202n;
/** bytes of stack that a C function with a callback takes for itself */
export const HOST_FRAME = 72n;

/** Kernel functions that wait for a callback to return, outermost first. */
export type WaitingCalls = { name: string; steps: HostSteps; rsp: bigint }[];

/** Calls of modelled kernel functions, those that wait for a callback included. */
export class HostCalls {
  readonly #machine: Machine;
  readonly #models = new Map<string, HostFunction>();
  readonly #arities = new Map<string, number>();
  #waiting: WaitingCalls = [];
  /** set when a function faulted; the run has stopped at it */
  fault: HostFault | undefined;
  /** address whose execution says that a callback has returned */
  #returnStub = 0n;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** `arity`: how many arguments it looks at, where all that it does follows from them and from guest memory. */
  provide(name: string, model: HostFunction, arity?: number): void {
    this.#models.set(name, model);
    if (arity !== undefined) this.#arities.set(name, arity);
  }

  /** Of how many arguments, and of guest memory, alone the function is one; undefined: it may keep state. */
  arity(name: string): number | undefined {
    return this.#arities.get(name);
  }

  has(name: string): boolean {
    return this.#models.has(name);
  }

  /** What the model of a kernel function makes of these arguments, without any machine code. Throws GuestFault. */
  call(name: string, args: readonly bigint[]): bigint | HostSteps {
    return this.#models.get(name)!({ machine: this.#machine, name, args });
  }

  /**
   * A kernel function's first instruction is about to execute: do all of it, up to its ret. "stop": it faulted. Throws
   * UnmodelledCall.
   */
  enter(name: string): "stop" | undefined {
    const { regs } = this.#machine.engine;
    const rsp = regs[RSP];
    return this.#guarded(name, rsp, () => {
      const model = this.#models.get(name);
      if (!model) throw new UnmodelledCall(name, this.#machine.memory.load(rsp, 8));
      const args = ARGUMENTS.map((reg) => regs[reg]);
      const result = model({ machine: this.#machine, name, args });
      if (typeof result === "bigint") this.#leave(result);
      else this.#step(name, result, rsp, undefined);
    });
  }

  /** The callback that was called last has returned. */
  resumed(): "stop" | undefined {
    const { regs } = this.#machine.engine;
    const waiting = this.#waiting.pop();
    if (!waiting)
      return this.#guarded("(callback return)", regs[RSP], () => {
        throw new GuestFault("a return that no kernel function waits for");
      });
    const { name, steps, rsp } = waiting;
    return this.#guarded(name, rsp, () => this.#step(name, steps, rsp, regs[RAX]));
  }

  #guarded(symbol: string, rsp: bigint, what: () => void): "stop" | undefined {
    try {
      what();
      return undefined;
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      const { memory } = this.#machine;
      const returnAddress = memory.isMapped(rsp, 8) ? memory.load(rsp, 8) : 0n;
      this.fault = { symbol, returnAddress, message: error.message };
      return "stop";
    }
  }

  /** Set the calls that wait aside, for a thread that is suspended. */
  suspend(): WaitingCalls {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  resume(waiting: WaitingCalls): void {
    this.#waiting = waiting;
  }

  /** Copies of the calls that wait. Throws for one that cannot be copied; those of the modelled kernel all can. */
  copyWaiting(): WaitingCalls {
    return this.#waiting.map((call) => ({ ...call, steps: copyOf(call.name, call.steps) }));
  }

  /** Forget calls that wait, and the fault: the run that they belong to is over. */
  reset(): void {
    this.#waiting = [];
    this.fault = undefined;
  }

  /** Where callbacks return to: HOST_FRAME bytes below the return address of the function that called them. */
  get returnStub(): bigint {
    return this.#returnStub;
  }

  set returnStub(address: bigint) {
    this.#returnStub = address;
  }

  #step(name: string, steps: HostSteps, rsp: bigint, value: bigint | undefined): void {
    const { regs } = this.#machine.engine;
    const next = value === undefined ? steps.next() : steps.next(value);
    if (next.done) {
      regs[RSP] = rsp;
      regs[RIP] = this.#machine.returnInstruction;
      return this.#leave(next.value);
    }
    this.#poison();
    next.value.args.forEach((arg, i) => {
      regs[ARGUMENTS[i]] = BigInt.asUintN(64, arg);
    });
    if ("jump" in next.value) {
      // the C function's frames are abandoned; a return address below them is what the target sees
      this.#machine.callIndirectly(next.value.jump);
      return;
    }
    this.#waiting.push({ name, steps, rsp });
    regs[RSP] = rsp - HOST_FRAME - 8n;
    this.#machine.memory.store(regs[RSP], 8, this.#returnStub);
    this.#machine.callIndirectly(next.value.call);
  }

  #poison(): void {
    const { regs } = this.#machine.engine;
    for (const reg of SCRATCH) regs[reg] = poison(reg);
    regs[RAX] = poison(RAX);
    regs[RFLAGS] = POISONED_FLAGS;
  }

  #leave(result: bigint): void {
    this.#poison();
    this.#machine.engine.regs[RAX] = BigInt.asUintN(64, result);
  }
}

function copyOf(name: string, steps: HostSteps): CopyableSteps {
  if ("copy" in steps) return steps.copy();
  throw new Error(`${name} waits for a callback, and cannot be gone back into`);
}
