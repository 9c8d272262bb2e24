import { ExecutionFault } from "../../bpf/interpreter/fault.ts";
import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import type { HelperSteps, Runnable } from "../../bpf/interpreter/runnable.ts";
import type { InterpreterOptions } from "../../bpf/interpreter/settings.ts";
import { PROT_READ, PROT_WRITE } from "../../emulator/engine.ts";
import type { GuestMemory } from "../../emulator/memory.ts";

/** Tracing programs around a function, in the order in which they were attached; the function has `nargs` arguments. */
export interface Hooks {
  fentry: Runnable[];
  fexit: Runnable[];
  nargs: number;
}

/** Their contexts and stacks: far from those of the programs that they trace. */
const STACK_TOP = 0xffffc90000200000n;
const STACK_BYTES = 34n * 8n * 512n;
const CONTEXTS = 0xffffc90000300000n;
const CONTEXT_BYTES = 64;
const MOST = 1024;

/** Runs tracing programs beside the run that they are called from: their tail calls are counted apart. */
export class TrampolineStack {
  readonly #interpreter: Interpreter;
  readonly #memory: GuestMemory;
  #used = 0;

  constructor(memory: GuestMemory, options: InterpreterOptions) {
    memory.ensure(STACK_TOP - STACK_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE);
    memory.ensure(CONTEXTS, BigInt(MOST * CONTEXT_BYTES), PROT_READ | PROT_WRITE);
    this.#memory = memory;
    this.#interpreter = new Interpreter({ ...options, stackTop: STACK_TOP });
  }

  reset(): void {
    this.#used = 0;
  }

  /** A context: u64 arguments, and room for the result. */
  take(args: readonly bigint[]): bigint {
    if (this.#used === MOST) throw new ExecutionFault("depth", `calls of traced functions nested deeper than ${MOST}`);
    const context = CONTEXTS + BigInt(CONTEXT_BYTES * this.#used++);
    args.forEach((arg, i) => {
      this.#memory.store(context + BigInt(8 * i), 8, arg);
    });
    return context;
  }

  give(): void {
    this.#used--;
  }

  setResult(context: bigint, nargs: number, value: bigint): void {
    this.#memory.store(context + BigInt(8 * nargs), 8, value);
  }

  run(program: Runnable, context: bigint): void {
    const outcome = this.#interpreter.run(program, context);
    if (outcome.kind === "fault") throw new ExecutionFault(outcome.fault.reason, outcome.fault.message);
    if (outcome.kind === "budget") throw new ExecutionFault("depth", "a tracing program does not end");
  }
}

/**
 * What a call of a traced function does (arch_prepare_bpf_trampoline): the fentry programs see its arguments, then it runs, then the
 * fexit programs see its result, too.
 */
export function* aroundCall(
  { fentry, fexit, nargs }: Hooks,
  address: bigint,
  args: readonly bigint[],
  stack: TrampolineStack,
): HelperSteps {
  const context = stack.take(args.slice(0, nargs));
  for (const program of fentry) stack.run(program, context);
  const r0: bigint = yield { call: address, args };
  stack.setResult(context, nargs, r0);
  for (const program of fexit) stack.run(program, context);
  stack.give();
  return r0;
}
