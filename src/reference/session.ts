import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import type { Outcome as Interpreted } from "../../bpf/interpreter/outcome.ts";
import type { HelperSteps, Runnable } from "../../bpf/interpreter/runnable.ts";
import { CODE_ADDRESS } from "../../bpf/interpreter/runnable.ts";
import type { TailCallCounting } from "../../bpf/interpreter/settings.ts";
import { PROT_READ, PROT_WRITE } from "../../emulator/engine.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import type { MemoryEngine } from "../../emulator/memory-engine.ts";
import type { Finding } from "../checks/finding.ts";
import type { Outcome } from "../runner/session.ts";
import { helperTable } from "./helpers.ts";
import { aroundCall, type Hooks, TrampolineStack } from "./trampoline.ts";

/** Where frames of BPF functions are: 8 of 512 bytes in each of the 34 programs that 33 tail calls lead through. */
const STACK_TOP = 0xffffc90000080000n;
const STACK_BYTES = 34n * 8n * 512n;

/** MAX_TAIL_CALL_CNT */
const LIMIT = 33;

/** Ends a run at a tail call past the limit. */
class PastLimit extends Error {}

/** What runs a program on the interpreter: the same kernel as a machine's, without a CPU. */
export interface ReferenceOptions {
  /** on a machine whose engine is `engine` */
  kernel: Kernel;
  engine: MemoryEngine;
  counting: TailCallCounting;
  /** instructions that a run may take */
  budget: number;
}

export interface ReferenceEnter {
  /** bpf_func */
  entry: bigint;
  context: bigint;
  /** R2, 0 by default */
  second?: bigint;
  /** end the run at the first tail call past this many; default: none is too many */
  tailCallLimit?: number;
}

/** Runs programs on the reference interpreter, with maps, helpers and contexts of the modelled kernel. */
export class ReferenceSession {
  readonly #options: ReferenceOptions;
  readonly #programs = new Map<bigint, Runnable>();
  readonly #byName = new Map<string, Runnable>();
  /** programs attached to a function: program -> first slot -> what is around it */
  readonly #hooks = new Map<Runnable, Map<number, Hooks>>();
  readonly #interpreter: Interpreter;
  readonly #trampolines: TrampolineStack;
  readonly #calls = new Map<string, number>();
  /** tail calls of this run, and how many may be taken before it is ended */
  #taken = 0;
  #most = Number.POSITIVE_INFINITY;

  constructor(options: ReferenceOptions) {
    this.#options = options;
    const { kernel, engine, counting, budget } = options;
    const helpers = helperTable(kernel);
    const shared = {
      memory: engine.memory,
      helpers: {
        call: (helper: number | string, args: readonly bigint[]) => {
          this.#calls.set(String(helper), (this.#calls.get(String(helper)) ?? 0) + 1);
          return helpers.call(helper, args);
        },
      },
      lookupProgram: (map: bigint, index: number) => this.#lookup(map, index),
      percpuOffset: kernel.machine.percpu.offsets[kernel.machine.cpu],
      counting,
      budget,
    };
    kernel.machine.memory.ensure(STACK_TOP - STACK_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE);
    this.#trampolines = new TrampolineStack(kernel.machine.memory, shared);
    this.#interpreter = new Interpreter({
      ...shared,
      stackTop: STACK_TOP,
      intercept: (program, slot, args) => this.#intercept(program, slot, args),
    });
  }

  /** A loaded program, by its name and its bpf_func. */
  add(name: string, entry: bigint, program: Runnable): void {
    this.#programs.set(entry, program);
    this.#byName.set(name, program);
  }

  /** Forget all programs. */
  clear(): void {
    this.#programs.clear();
    this.#byName.clear();
    this.#hooks.clear();
  }

  /** Put a tracing program around a function of another program. */
  attach(target: string, slot: number, tracer: string, type: "fentry" | "fexit", nargs: number): void {
    const program = this.#byName.get(target)!;
    const slots = this.#hooks.get(program) ?? new Map<number, Hooks>();
    const hooks = slots.get(slot) ?? { fentry: [], fexit: [], nargs };
    hooks[type].push(this.#byName.get(tracer)!);
    slots.set(slot, hooks);
    this.#hooks.set(program, slots);
  }

  /** Enter a program as the kernel does; a run that does not end, or takes too many tail calls, has a finding. */
  enter({ entry, context, second = 0n, tailCallLimit = Number.POSITIVE_INFINITY }: ReferenceEnter): Outcome {
    const program = this.#programs.get(entry)!;
    this.#calls.clear();
    this.#trampolines.reset();
    this.#taken = 0;
    this.#most = tailCallLimit;
    try {
      return this.#outcome(this.#run(program, context, second));
    } catch (error) {
      if (error instanceof PastLimit) return this.#outcome(undefined);
      throw error;
    }
  }

  /** Run a program, and what is around its main function. */
  #run(program: Runnable, context: bigint, second: bigint): Interpreted {
    const hooks = this.#hooks.get(program)?.get(0);
    if (!hooks) return this.#interpreter.run(program, context, second);
    const steps = aroundCall(hooks, 0n, [context, second, 0n, 0n, 0n], this.#trampolines);
    steps.next();
    const outcome = this.#interpreter.run(program, context, second);
    if (outcome.kind === "exit") steps.next(outcome.r0);
    return outcome;
  }

  /** Asked for where a tail call may be taken. */
  #lookup(address: bigint, index: number): Runnable | "empty" | undefined {
    const map = this.#options.kernel.mapAt(address);
    if (!(map instanceof ProgArrayMap) || index >= map.def.maxEntries) return undefined;
    const program = map.programAt(index);
    if (!program) return "empty";
    if (++this.#taken > this.#most) throw new PastLimit();
    return this.#byName.get(program.name);
  }

  #intercept(program: Runnable, slot: number, args: readonly bigint[]): HelperSteps | undefined {
    const hooks = this.#hooks.get(program)?.get(slot);
    if (!hooks) return undefined;
    return aroundCall(hooks, (program.address ?? CODE_ADDRESS) + 8n * BigInt(slot), args, this.#trampolines);
  }

  /** undefined: it was ended at the limit */
  #outcome(outcome: Interpreted | undefined): Outcome {
    const findings = this.#taken > LIMIT ? [pastLimit()] : [];
    if (outcome && outcome.kind !== "exit") findings.push(findingOf(outcome));
    return {
      r0: outcome?.kind === "exit" ? outcome.r0 : undefined,
      tailCalls: BigInt(this.#taken),
      instructions: outcome?.instructions ?? 0,
      maxStack: 0,
      calls: new Map(this.#calls),
      findings,
    };
  }
}

const pastLimit = (): Finding => ({
  check: "tail-call-limit",
  message: `tail call ${LIMIT + 1} of one entry is taken`,
  function: "",
  pc: 0n,
  offset: 0,
  expected: `at most ${LIMIT} tail calls`,
  actual: String(LIMIT + 1),
});

/** Why a run did not end, as a machine's session says it; there is no machine instruction to name. */
function findingOf(outcome: Exclude<Interpreted, { kind: "exit" }>): Finding {
  const { program, slot } = outcome.kind === "fault" ? outcome.fault : outcome;
  const at = { function: program.name ?? "", pc: 0n, offset: 0, insn: slot };
  if (outcome.kind === "fault") {
    const { reason, message } = outcome.fault;
    return { check: "fault", message, ...at, expected: "no fault", actual: `${reason} fault` };
  }
  const message = `the program is still running after ${outcome.instructions} instructions`;
  return { check: "budget", message, ...at, expected: "an end", actual: `at slot ${slot}` };
}
