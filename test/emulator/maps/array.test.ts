import { expect, test } from "vitest";
import { RDI } from "../../../emulator/engine.ts";
import type { ArrayMap } from "../../../emulator/maps/array.ts";
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, keyOf } from "../../../emulator/maps/map.ts";
import { loadBpf, mapDef } from "../bpf.ts";
import { eachKernel, newKernel, rax } from "../guest.ts";

const bytes = (value: bigint, size = 8) =>
  Uint8Array.from(Buffer.from(new BigUint64Array([value]).buffer).subarray(0, size));

eachKernel("an array on %s", (name) => {
  test("has max_entries, elem_size and index_mask where the kernel's struct bpf_array has them", () => {
    const kernel = newKernel(name);
    const map = kernel.addMap(mapDef("m", "array", { valueSize: 12, maxEntries: 5 })) as ArrayMap;
    const { memory, layout } = kernel.machine;
    const field = (struct: string, member: string) =>
      memory.load(map.address + BigInt(layout.structs[struct].members[member]), 4);
    expect(field("bpf_map", "max_entries")).toBe(5n);
    expect([field("bpf_map", "map_type"), field("bpf_map", "key_size"), field("bpf_map", "value_size")]).toEqual([
      2n,
      4n,
      12n,
    ]);
    expect([field("bpf_array", "elem_size"), field("bpf_array", "index_mask")]).toEqual([16n, 7n]);
    expect(map.values).toBe(map.address + BigInt(layout.structs.bpf_array.members.value));
    expect(map.element(3)).toBe(map.values + 48n);
  });

  test("a program that looks an element up, in place or by a call, gets its address; NULL past the end", () => {
    const kernel = newKernel(name);
    const map = kernel.addMap(mapDef("m", "array", { maxEntries: 3 })) as ArrayMap;
    const { entry } = loadBpf(
      kernel,
      name,
      `r2 = *(u32 *)(r1 + 8)      ; mark
       *(u32 *)(r10 - 4) = r2
       r1 = m ll
       r2 = r10
       r2 += -4
       call bpf_map_lookup_elem
       exit`,
    );
    const { machine } = kernel;
    const skb = machine.heap.take(512);
    const mark = skb + BigInt(machine.layout.structs.sk_buff.members.mark);
    for (const [index, address] of [
      [0n, map.element(0)],
      [2n, map.element(2)],
      [3n, 0n],
      [0xffffffffn, 0n],
    ]) {
      machine.memory.store(mark, 4, index);
      expect(rax(machine, { entry }, { [RDI]: skb })).toBe(address);
    }
  });

  test("a program that loads an element's address loads that", () => {
    const kernel = newKernel(name);
    const map = kernel.addMap(mapDef("m", "array", { valueSize: 16, maxEntries: 1 })) as ArrayMap;
    kernel.machine.memory.store(map.values + 8n, 8, 99n);
    const { entry } = loadBpf(kernel, name, "r1 = m[0]+8 ll\nr0 = *(u64 *)(r1 + 0)\nexit");
    expect(rax(kernel.machine, { entry })).toBe(99n);
  });
});

const array = () => newKernel().addMap(mapDef("m", "array", { valueSize: 5, maxEntries: 3 }));

test("elements are zero at first; an update writes value_size bytes and no more", () => {
  const map = array() as ArrayMap;
  expect(map.read(keyOf(2))).toEqual(new Uint8Array(5));
  expect(map.update(keyOf(1), bytes(0x1122334455n, 5), BPF_ANY)).toBe(0n);
  expect([...map.read(keyOf(1))!]).toEqual([0x55, 0x44, 0x33, 0x22, 0x11]);
  expect([map.read(keyOf(0)), map.read(keyOf(2))]).toEqual([new Uint8Array(5), new Uint8Array(5)]);
  expect(map.element(1) % 8n).toBe(map.element(0) % 8n);
});

test.each<[what: string, index: number, flags: bigint, result: bigint]>([
  ["any", 0, BPF_ANY, 0n],
  ["one that exists, and all do", 0, BPF_EXIST, 0n],
  ["a new one, and none is", 0, BPF_NOEXIST, -EEXIST],
  ["past the end", 3, BPF_ANY, -E2BIG],
  ["past the end, before the flags' meaning", 3, BPF_NOEXIST, -E2BIG],
  ["flags that don't exist, before the index", 3, 3n, -EINVAL],
  ["flags that don't exist", 0, 8n, -EINVAL],
  ["a lock that the value doesn't have", 0, 4n, -EINVAL],
  ["a new one under a lock", 0, 5n, -EEXIST],
])("an update of %s", (_, index, flags, result) => {
  expect(array().update(keyOf(index), bytes(1n, 5), flags, 0)).toBe(result);
});

test("nothing is deleted, all keys are there, and one past the end has no value", () => {
  const map = array();
  expect(map.remove(keyOf(0))).toBe(-EINVAL);
  expect(map.keys()).toEqual([keyOf(0), keyOf(1), keyOf(2)]);
  expect([map.lookup(keyOf(3), 0), map.read(keyOf(3))]).toEqual([0n, undefined]);
});

test("an index is 32 bits, the last one too", () => {
  expect(array().lookup(Uint8Array.of(0, 0, 0, 0x80), 0)).toBe(0n);
  expect(array().lookup(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 0)).toBe(0n);
});
