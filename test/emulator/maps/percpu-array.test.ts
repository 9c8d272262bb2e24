import { expect, test } from "vitest";
import { BPF_ANY, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, keyOf } from "../../../emulator/maps/map.ts";
import { loadBpf, mapDef } from "../bpf.ts";
import { eachKernel, newKernel, rax } from "../guest.ts";

const value = (n: bigint, size = 8) => Uint8Array.from(Buffer.from(new BigUint64Array([n]).buffer).subarray(0, size));

eachKernel("a per-CPU array on %s", (name) => {
  test("bpf_array.pptrs[] lead to each CPU's element, index_mask is that of the size", () => {
    const kernel = newKernel(name, { cpus: 2 });
    const map = kernel.addMap(mapDef("m", "percpu_array", { maxEntries: 3 }));
    const { memory, layout, percpu } = kernel.machine;
    const { pptrs, index_mask } = layout.structs.bpf_array.members;
    expect(memory.load(map.address + BigInt(index_mask), 4)).toBe(3n);
    for (let i = 0; i < 3; i++)
      for (const cpu of [0, 1]) {
        const pointer = memory.load(map.address + BigInt(pptrs) + BigInt(8 * i), 8);
        expect(map.lookup(keyOf(i), cpu)).toBe(percpu.address(pointer, cpu));
      }
  });

  test("a program counts on the CPU that it runs on", () => {
    const kernel = newKernel(name, { cpus: 2 });
    const map = kernel.addMap(mapDef("m", "percpu_array"));
    const { machine } = kernel;
    const { entry } = loadBpf(
      kernel,
      name,
      `r2 = 2
       *(u32 *)(r10 - 4) = r2
       r1 = m ll
       r2 = r10
       r2 += -4
       call bpf_map_lookup_elem
       if r0 == 0 goto out
       r1 = *(u64 *)(r0 + 0)
       r1 += 1
       *(u64 *)(r0 + 0) = r1
     out:
       r0 = 0
       exit`,
    );
    rax(machine, { entry });
    machine.schedule(1, machine.addTask());
    for (let i = 0; i < 2; i++) rax(machine, { entry });
    expect(new BigUint64Array(map.read(keyOf(2))!.buffer)).toEqual(new BigUint64Array([1n, 2n]));
    expect(new BigUint64Array(map.read(keyOf(1))!.buffer)).toEqual(new BigUint64Array([0n, 0n]));
  });
});

const array = () => newKernel("linux-6.12", { cpus: 2 }).addMap(mapDef("m", "percpu_array", { valueSize: 5 }));

test("user space reads all CPUs' values, each rounded up to 8 bytes but the last", () => {
  const map = array();
  map.update(keyOf(0), value(0x0504030201n, 5), BPF_ANY, 0);
  map.update(keyOf(0), value(0x0a09080706n, 5), BPF_ANY, 1);
  expect([...map.read(keyOf(0))!]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10]);
});

test.each<[what: string, index: number, flags: bigint, result: bigint]>([
  ["any", 0, BPF_ANY, 0n],
  ["a new one, and none is", 0, BPF_NOEXIST, -EEXIST],
  ["past the end", 4, BPF_ANY, -E2BIG],
  ["flags that don't exist, before the index", 4, 3n, -EINVAL],
  ["a lock that the value doesn't have", 0, 4n, -EINVAL],
])("an update of %s", (_, index, flags, result) => {
  expect(array().update(keyOf(index), value(1n, 5), flags, 0)).toBe(result);
});

test("nothing is deleted, all keys are there, and one past the end has no value", () => {
  const map = array();
  expect(map.remove(keyOf(0))).toBe(-EINVAL);
  expect(map.keys()).toHaveLength(4);
  expect([map.lookup(keyOf(4), 0), map.read(keyOf(4))]).toEqual([0n, undefined]);
});
