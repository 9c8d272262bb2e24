import type { Structs } from "../bpf/structs.ts";
import type { Engine } from "./engine.ts";
import { PROT_READ, PROT_WRITE } from "./engine.ts";
import { STACK_BASE } from "./layout.ts";
import { type GuestMemory, PAGE } from "./memory.ts";

/** THREAD_SIZE on x86-64. */
export const STACK_SIZE = 16384n;

/**
 * A task: its task_struct and its kernel stack. Above the stack is a page of frames that the kernel's own callers of a
 * program have: read-only, as no program may change them. Below, and above that page, nothing is mapped.
 */
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

/** Bytes for each structure that a task points to. */
const PART_SIZE = 4096;

/** What a task's pointers lead to, by "struct.member" of 4 bytes: values that a lone process of the booted kernel has. */
const PARTS: Record<string, Record<string, bigint>> = {
  signal: { "signal_struct.nr_threads": 1n },
  fs: { "fs_struct.users": 1n, "fs_struct.umask": 0o22n },
  files: { "files_struct.next_fd": 3n },
};

/** Give the task_struct its signal, fs and files, as far as the layout knows them; mm and io_context stay NULL. */
export function fillTask(memory: GuestMemory, structs: Structs, task: Task, allocate: (size: number) => bigint): void {
  for (const [pointer, fields] of Object.entries(PARTS)) {
    const at = structs.task_struct?.members[pointer];
    if (typeof at !== "number") continue;
    const part = allocate(PART_SIZE);
    memory.store(task.address + BigInt(at), 8, part);
    for (const [field, value] of Object.entries(fields)) {
      const [struct, member] = field.split(".");
      const offset = structs[struct]?.members[member];
      if (typeof offset === "number") memory.store(part + BigInt(offset), 4, value);
    }
  }
}

export function createTask(
  engine: Engine,
  memory: GuestMemory,
  index: number,
  address: bigint,
  base = STACK_BASE,
): Task {
  const stackLow = base + BigInt(index) * (STACK_SIZE + 4n * PAGE) + PAGE;
  const stackHigh = stackLow + STACK_SIZE;
  memory.ensure(stackLow, STACK_SIZE, PROT_READ | PROT_WRITE);
  memory.ensure(stackHigh, PAGE, PROT_READ);
  engine.guardStack(stackLow, stackHigh + PAGE);
  return { pid: index + 1, address, stackLow, stackHigh };
}
