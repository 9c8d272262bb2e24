import { RFLAGS } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import { Refused, type State } from "./state.ts";
import { constant } from "./symbolic.ts";

/** rdi, rsi, rdx, rcx, r8, r9 */
const ARGUMENTS = [7, 6, 2, 1, 8, 9];
/** rax, rcx, rdx, rsi, rdi, r8..r11: what a C function may scratch */
const SCRATCH = [0, 1, 2, 6, 7, 8, 9, 10, 11];

/**
 * Kernel functions whose result and effect follow from their arguments and from guest memory that they read through
 * GuestMemory; by how many arguments they take. Clocks, random numbers and maps with a life of their own are not among them.
 */
const STATELESS: Record<string, number> = {
  bpf_get_smp_processor_id: 0,
  bpf_get_raw_cpu_id: 0,
  bpf_get_numa_node_id: 0,
  bpf_get_current_task: 0,
  bpf_get_current_task_btf: 0,
  bpf_get_current_pid_tgid: 0,
  bpf_get_current_uid_gid: 0,
  bpf_rcu_read_lock: 0,
  bpf_rcu_read_unlock: 0,
  bpf_preempt_disable: 0,
  bpf_preempt_enable: 0,
  migrate_disable: 0,
  migrate_enable: 0,
  array_map_lookup_elem: 2,
  percpu_array_map_lookup_elem: 2,
  bpf_map_lookup_elem: 2,
  bpf_strtoul: 4,
  bpf_strtol: 4,
  bpf_csum_diff: 5,
};

/** A kernel function's first instruction is next: do all of it, up to its ret. Throws Refused for one that keeps state. */
export function followHost(machine: Machine, state: State, name: string): void {
  const args = machine.host.arity(name) ?? STATELESS[name];
  if (args === undefined) throw new Refused(`${name} keeps state, or is not known not to`);
  const { engine, memory } = machine;
  const before = BigUint64Array.from(engine.regs);
  for (const register of ARGUMENTS.slice(0, args)) state.pin(state.register(register, before[register]));
  memory.observe({
    read: (address, bytes) =>
      eachWord(address, bytes, (at, size, value) => state.pin(state.load(constant(at), size, value))),
    write: (address, bytes) =>
      eachWord(address, bytes, (at, size, value) => state.store(constant(at), size, constant(value))),
  });
  try {
    machine.host.enter(name);
  } finally {
    memory.observe(undefined);
  }
  if (engine.regs[16] !== before[16]) throw new Refused(`${name} calls back`);
  for (const register of SCRATCH) state.registers[register] = constant(engine.regs[register]);
  if (engine.regs[RFLAGS] !== before[RFLAGS]) state.setFlags();
}

function eachWord(address: bigint, bytes: Uint8Array, visit: (at: bigint, size: number, value: bigint) => void): void {
  for (let from = 0; from < bytes.length; from += 8) {
    const part = bytes.subarray(from, from + 8);
    let value = 0n;
    for (let i = part.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(part[i]);
    visit(address + BigInt(from), part.length, value);
  }
}
