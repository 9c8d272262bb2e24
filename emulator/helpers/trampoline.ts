import { RAX } from "../engine.ts";
import { type HostFunction, poison } from "../host.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task.ts";

/** struct bpf_tramp_run_ctx: bpf_cookie, saved_run_ctx */
const COOKIE = 0n;
const SAVED_RUN_CTX = 8n;

/** A start time that says: statistics are off (NO_START_TIME). */
const NO_START_TIME = 1n;

const VARIANTS = ["", "_recur", "_sleepable", "_sleepable_recur", "_lsm_cgroup"];

/**
 * What trampolines call around programs and around the traced function (kernel/bpf/trampoline.c), and what programs ask about it.
 * Everything that they keep is in guest memory: bpf_prog.active on each CPU, current->bpf_ctx.
 */
export function installTrampolineFunctions(kernel: Kernel): void {
  const { machine, behaviour } = kernel;
  const { memory, host } = machine;
  const { progEnter } = behaviour;
  const nothing = (): bigint => poison(RAX);
  const takesRunCtx = progEnter === "run-ctx" || progEnter === "recur";
  /** Counts how often the program is running on this CPU; returns how often then. */
  const count = (prog: bigint, by: bigint): bigint => {
    const active = activeOf(kernel, prog);
    const running = memory.load(active, 4) + by;
    memory.store(active, 4, running);
    return running;
  };
  for (const name of ["__bpf_tramp_enter", "__bpf_tramp_exit"]) host.provide(name, nothing, 0);
  for (const variant of VARIANTS) {
    const asks = progEnter === "prog" || progEnter === "run-ctx" || variant.endsWith("_recur");
    const recur = progEnter !== "nothing" && asks;
    const arity = (runCtx: number): number => (takesRunCtx ? runCtx : Number(recur));
    const enter: HostFunction = ({ args: [prog, runCtx] }) => {
      machine.tailCallCounts.enter();
      if (takesRunCtx) {
        const current = currentRunCtx(kernel, machine.task);
        memory.store(runCtx + SAVED_RUN_CTX, 8, memory.load(current, 8));
        memory.store(current, 8, runCtx);
      }
      return !recur || count(prog, 1n) === 1n ? NO_START_TIME : 0n;
    };
    const exit: HostFunction = ({ args: [prog, , runCtx] }) => {
      machine.tailCallCounts.leave();
      if (takesRunCtx) memory.store(currentRunCtx(kernel, machine.task), 8, memory.load(runCtx + SAVED_RUN_CTX, 8));
      if (recur) count(prog, -1n);
      return nothing();
    };
    host.provide(`__bpf_prog_enter${variant}`, enter, arity(2));
    host.provide(`__bpf_prog_exit${variant}`, exit, arity(3));
  }
  host.provide("bpf_get_attach_cookie_tracing", () => {
    const runCtx = memory.load(currentRunCtx(kernel, machine.task), 8);
    return runCtx === 0n ? 0n : memory.load(runCtx + COOKIE, 8);
  });
}

/** Address of the struct bpf_prog's `active` on this CPU: 4 bytes, how often it is running. */
function activeOf({ machine, trampolines }: Kernel, prog: bigint): bigint {
  let pointer = trampolines.active.get(prog);
  if (pointer === undefined) {
    pointer = machine.percpu.allocate(4);
    trampolines.active.set(prog, pointer);
  }
  return machine.percpu.address(pointer, machine.cpu);
}

/** Address of a task's bpf_ctx: 8 bytes. */
function currentRunCtx({ machine, trampolines }: Kernel, task: Task): bigint {
  let address = trampolines.runCtx.get(task.pid);
  if (address === undefined) {
    address = machine.heap.take(8, 8);
    trampolines.runCtx.set(task.pid, address);
  }
  return address;
}

/** Where the kernel keeps what it knows of programs under way. */
export interface TrampolineState {
  /** address of a struct bpf_prog -> per-CPU pointer to its `active` */
  readonly active: Map<bigint, bigint>;
  /** pid -> address of the task's bpf_ctx */
  readonly runCtx: Map<number, bigint>;
}

/** No program is under way any more: the runs that they belong to were ended. */
export function forgetPrograms({ machine, trampolines }: Kernel): void {
  for (const pointer of trampolines.active.values())
    for (let cpu = 0; cpu < machine.percpu.offsets.length; cpu++)
      machine.memory.store(machine.percpu.address(pointer, cpu), 4, 0n);
  for (const address of trampolines.runCtx.values()) machine.memory.store(address, 8, 0n);
}
