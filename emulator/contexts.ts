import { NREGS, RSP } from "./engine.ts";
import type { EntryState } from "./entry.ts";
import type { WaitingCalls } from "./host.ts";
import type { Machine } from "./machine.ts";
import type { TailCallCounts } from "./tail-calls.ts";
import type { Task } from "./task.ts";

/** A thread of execution that is not running: an interrupted program, or one whose task was switched away. */
export interface Suspended {
  readonly registers: BigUint64Array;
  readonly cpu: number;
  readonly task: Task;
  readonly icount: number;
  readonly tailCalls: TailCallCounts;
  readonly tailCallLimit: number;
  readonly waiting: WaitingCalls;
}

/** Set the running thread aside. */
export function suspend(machine: Machine): Suspended {
  const { engine, cpu, task, tailCallLimit } = machine;
  const tailCalls = machine.tailCallCounts.save();
  const registers = BigUint64Array.from(engine.regs.subarray(0, NREGS));
  return { registers, cpu, task, icount: engine.icount, tailCalls, tailCallLimit, waiting: machine.host.suspend() };
}

/** Go on with a thread where it was left, on the CPU where it was. */
export function resume(machine: Machine, thread: Suspended): void {
  machine.schedule(thread.cpu, thread.task);
  machine.engine.regs.set(thread.registers);
  machine.engine.icount = thread.icount;
  machine.tailCallCounts.restore(thread.tailCalls);
  machine.tailCallLimit = thread.tailCallLimit;
  machine.host.resume(thread.waiting);
}

/** sizeof(struct pt_regs), which an exception pushes, and what its handler's own frames take. */
const PT_REGS = 168n;
const HANDLER_FRAMES = 344n;
const CLOBBER = 0xee;

/**
 * Enter a program in the middle of another one of the same task, as a kprobe or an interrupt does: on the same stack, below
 * the frames of the exception, which overwrite what lay below the stack pointer. suspend() the interrupted one first.
 */
export function interrupt(machine: Machine, state: EntryState): void {
  const rsp = machine.engine.regs[RSP] & ~15n;
  const top = rsp - PT_REGS - HANDLER_FRAMES;
  machine.memory.fill(top, Number(rsp - top), CLOBBER);
  machine.prepare(state, top);
}
