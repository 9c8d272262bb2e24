import { expect, test } from "vitest";
import { RAX } from "../../../emulator/engine.ts";
import { poison } from "../../../emulator/host.ts";
import { newKernel } from "../guest.ts";
import { call } from "./call.ts";

test("clocks go on, whichever is read", () => {
  const kernel = newKernel();
  const clocks = ["bpf_ktime_get_ns", "bpf_ktime_get_boot_ns", "bpf_ktime_get_coarse_ns", "bpf_ktime_get_tai_ns"];
  const read = [...clocks, ...clocks].map((name) => call(kernel, name));
  for (let i = 1; i < read.length; i++) expect(read[i]).toBeGreaterThan(read[i - 1]);
  expect(call(kernel, "bpf_jiffies64")).toBe(call(kernel, "bpf_ktime_get_ns") / 4_000_000n); // HZ is 250
});

test("random numbers have 32 bits and differ; the same ones on every machine", () => {
  const numbers = () => {
    const kernel = newKernel();
    return Array.from({ length: 8 }, () => call(kernel, "bpf_user_rnd_u32"));
  };
  expect(numbers()).toEqual(numbers());
  expect(new Set(numbers()).size).toBe(8);
  for (const number of numbers()) expect(number >> 32n).toBe(0n);
});

test("CPU and task are those that run", () => {
  const kernel = newKernel("linux-6.12", { cpus: 2 });
  const { machine } = kernel;
  const who = () =>
    ["bpf_get_smp_processor_id", "bpf_get_raw_cpu_id", "bpf_get_current_pid_tgid", "bpf_get_current_task"].map((name) =>
      BigInt.asUintN(64, call(kernel, name)),
    );
  expect(who()).toEqual([0n, 0n, (1n << 32n) | 1n, machine.tasks[0].address]);
  const task = machine.addTask();
  machine.schedule(1, task);
  expect(who()).toEqual([1n, 1n, (2n << 32n) | 2n, task.address]);
  expect(BigInt.asUintN(64, call(kernel, "bpf_get_current_task_btf"))).toBe(task.address);
  expect([call(kernel, "bpf_get_current_uid_gid"), call(kernel, "bpf_get_numa_node_id")]).toEqual([0n, 0n]);
});

test.each([
  "bpf_rcu_read_lock",
  "bpf_rcu_read_unlock",
  "bpf_preempt_disable",
  "bpf_preempt_enable",
  "migrate_disable",
  "migrate_enable",
])("%s returns nothing: rax is poison", (name) => {
  expect(BigInt.asUintN(64, call(newKernel(), name))).toBe(poison(RAX));
});
