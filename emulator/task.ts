import type { Engine } from "./engine.ts";
import { PROT_READ, PROT_WRITE } from "./engine.ts";
import { STACK_BASE } from "./layout.ts";
import { type GuestMemory, PAGE } from "./memory.ts";

/** THREAD_SIZE on x86-64. */
export const STACK_SIZE = 16384n;

/** A task: its task_struct and its kernel stack, with unmapped guard pages on both sides. */
export interface Task {
  readonly pid: number;
  /** address of struct task_struct */
  readonly address: bigint;
  /** lowest address of the stack, and the first above it */
  readonly stackLow: bigint;
  readonly stackHigh: bigint;
}

/** Bytes reserved for a task_struct; the real one is smaller. */
export const TASK_STRUCT_SIZE = 16384;

export function createTask(engine: Engine, memory: GuestMemory, index: number, address: bigint): Task {
  const stackLow = STACK_BASE + BigInt(index) * (STACK_SIZE + 4n * PAGE) + PAGE;
  memory.ensure(stackLow, STACK_SIZE, PROT_READ | PROT_WRITE);
  engine.guardStack(stackLow, stackLow + STACK_SIZE);
  return { pid: index + 1, address, stackLow, stackHigh: stackLow + STACK_SIZE };
}
