import { RAX } from "../engine.ts";
import { poison } from "../host.ts";
import type { Kernel } from "../kernel.ts";

/** A function that returns nothing leaves rax to chance. */
const nothing = (): bigint => poison(RAX);

/** Clocks, CPU, task, locks: helpers and kfuncs without arguments that matter. */
export function installSystemHelpers(kernel: Kernel): void {
  const { machine } = kernel;
  const provide = (names: string[], value: () => bigint): void => {
    for (const name of names) machine.host.provide(name, value);
  };
  provide(["bpf_ktime_get_ns", "bpf_ktime_get_boot_ns", "bpf_ktime_get_coarse_ns", "bpf_ktime_get_tai_ns"], () =>
    kernel.now(),
  );
  provide(["bpf_jiffies64"], () => kernel.now() / 4_000_000n);
  provide(["bpf_user_rnd_u32", "bpf_get_prandom_u32"], () => kernel.random());
  provide(["bpf_get_smp_processor_id", "bpf_get_raw_cpu_id"], () => BigInt(machine.cpu));
  provide(["bpf_get_numa_node_id"], () => 0n);
  provide(["bpf_get_current_task", "bpf_get_current_task_btf"], () => machine.task.address);
  provide(["bpf_get_current_pid_tgid"], () => (BigInt(machine.task.pid) << 32n) | BigInt(machine.task.pid));
  provide(["bpf_get_current_uid_gid"], () => 0n);
  provide(
    [
      "bpf_rcu_read_lock",
      "bpf_rcu_read_unlock",
      "bpf_preempt_disable",
      "bpf_preempt_enable",
      "migrate_disable",
      "migrate_enable",
    ],
    nothing,
  );
}
