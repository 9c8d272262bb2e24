import { describe, expect, test } from "vitest";
import { RDI } from "../../../emulator/engine.ts";
import type { HashMap } from "../../../emulator/maps/hash.ts";
import {
  BPF_ANY,
  BPF_EXIST,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
  keyOf,
} from "../../../emulator/maps/map.ts";
import { loadBpf, mapDef } from "../bpf.ts";
import { eachKernel, newKernel, rax } from "../guest.ts";

const value = (n: bigint) => new Uint8Array(new BigUint64Array([n]).buffer);
const hash = (more = {}) => {
  const kernel = newKernel("linux-6.12", { cpus: 2 });
  return { kernel, map: kernel.addMap(mapDef("m", "hash", more)) as HashMap };
};

eachKernel("a hash on %s", (name) => {
  test("a program's lookup finds the value behind the key in struct htab_elem, or NULL", () => {
    const kernel = newKernel(name);
    const map = kernel.addMap(mapDef("m", "hash", { keySize: 12, maxEntries: 9 })) as HashMap;
    const key = keyOf(5, 12);
    map.update(key, value(77n), BPF_ANY, 0);
    const { memory, layout } = kernel.machine;
    const elem = map.element(key);
    const at = BigInt(layout.structs.htab_elem.members.key as number);
    expect(memory.read(elem + at, 12)).toEqual(key);
    expect(memory.load(elem + at + 16n, 8)).toBe(77n);
    expect(map.keyAddress(key)).toBe(elem + at);

    const { entry } = loadBpf(
      kernel,
      name,
      `r2 = *(u32 *)(r1 + 8)      ; mark
       *(u64 *)(r10 - 16) = r2
       r3 = 0
       *(u32 *)(r10 - 8) = r3
       r1 = m ll
       r2 = r10
       r2 += -16
       call bpf_map_lookup_elem
       exit`,
    );
    const skb = kernel.machine.heap.take(512);
    const mark = skb + BigInt(layout.structs.sk_buff.members.mark);
    memory.store(mark, 4, 5n);
    expect(rax(kernel.machine, { entry }, { [RDI]: skb })).toBe(elem + at + 16n);
    memory.store(mark, 4, 6n);
    expect(rax(kernel.machine, { entry }, { [RDI]: skb })).toBe(0n);
  });

  test("struct bpf_map says what it is", () => {
    const kernel = newKernel(name);
    const map = kernel.addMap(mapDef("m", "hash", { keySize: 6, valueSize: 10, maxEntries: 9 }));
    const field = (member: string) =>
      kernel.machine.memory.load(map.address + BigInt(kernel.machine.layout.structs.bpf_map.members[member]), 4);
    expect(["map_type", "key_size", "value_size", "max_entries"].map(field)).toEqual([1n, 6n, 10n, 9n]);
  });
});

describe("elements", () => {
  test.each<[what: string, present: boolean, flags: bigint, result: bigint]>([
    ["any, new", false, BPF_ANY, 0n],
    ["any, there", true, BPF_ANY, 0n],
    ["only a new one, new", false, BPF_NOEXIST, 0n],
    ["only a new one, there", true, BPF_NOEXIST, -EEXIST],
    ["only one that exists, new", false, BPF_EXIST, -ENOENT],
    ["only one that exists, there", true, BPF_EXIST, 0n],
    ["flags that don't exist", true, 3n, -EINVAL],
    ["a lock that the value doesn't have", true, 4n, -EINVAL],
  ])("update: %s", (_, present, flags, result) => {
    const { map } = hash();
    if (present) map.update(keyOf(1), value(1n), BPF_ANY, 0);
    expect(map.update(keyOf(1), value(2n), flags, 0)).toBe(result);
    const wanted = result === 0n ? value(2n) : present ? value(1n) : undefined;
    expect(map.read(keyOf(1))).toEqual(wanted);
  });

  test("as many as max_entries, then E2BIG, and room again after a deletion", () => {
    const { map } = hash({ maxEntries: 3 });
    for (let i = 0; i < 3; i++) expect(map.update(keyOf(i), value(BigInt(i)), BPF_ANY, 0)).toBe(0n);
    expect(map.update(keyOf(3), value(3n), BPF_ANY, 0)).toBe(-E2BIG);
    expect(map.update(keyOf(1), value(11n), BPF_ANY, 0)).toBe(0n);
    expect([map.remove(keyOf(1)), map.remove(keyOf(1))]).toEqual([0n, -ENOENT]);
    expect([map.lookup(keyOf(1), 0), map.read(keyOf(1)), map.element(keyOf(1))]).toEqual([0n, undefined, 0n]);
    expect(map.update(keyOf(3), value(3n), BPF_ANY, 0)).toBe(0n);
    expect(map.keys()).toEqual([keyOf(0), keyOf(2), keyOf(3)]);
    expect([0, 2, 3].map((i) => map.read(keyOf(i)))).toEqual([value(0n), value(2n), value(3n)]);
  });

  test("a deleted element is taken for the next new key", () => {
    const { map } = hash();
    map.update(keyOf(1), value(1n), BPF_ANY, 0);
    const at = map.lookup(keyOf(1), 0);
    map.remove(keyOf(1));
    map.update(keyOf(2), value(2n), BPF_ANY, 0);
    expect(map.lookup(keyOf(2), 0)).toBe(at);
  });

  test("who still points to the value before an update goes on seeing it, until the one after", () => {
    const { kernel, map } = hash();
    const { memory } = kernel.machine;
    map.update(keyOf(1), value(1n), BPF_ANY, 0);
    const first = map.lookup(keyOf(1), 0);
    map.update(keyOf(1), value(2n), BPF_ANY, 0);
    const second = map.lookup(keyOf(1), 0);
    expect([first === second, memory.load(first, 8), memory.load(second, 8)]).toEqual([false, 1n, 2n]);
    map.update(keyOf(1), value(3n), BPF_ANY, 0);
    expect([map.lookup(keyOf(1), 0), memory.load(first, 8)]).toEqual([first, 3n]);
  });

  test("keys are compared by all their bytes", () => {
    const { map } = hash({ keySize: 8 });
    map.update(keyOf(1n << 56n, 8), value(1n), BPF_ANY, 0);
    expect(map.lookup(keyOf(0, 8), 0)).toBe(0n);
    expect(map.lookup(keyOf(1n << 56n, 8), 0)).not.toBe(0n);
  });

  test("a key is copied: the caller may go on writing to its own", () => {
    const { map } = hash();
    const key = keyOf(1);
    map.update(key, value(1n), BPF_ANY, 0);
    key[0] = 9;
    expect(map.keys()).toEqual([keyOf(1)]);
  });

  test("without memory there is ENOMEM", () => {
    const { kernel, map } = hash();
    kernel.machine.heap.take(0x8000000 - 0x1000 - Number(kernel.machine.heap.take(0) - 0xffff888100001000n));
    expect(map.update(keyOf(1), value(1n), BPF_ANY, 0)).toBe(-ENOMEM);
    expect(map.keys()).toEqual([]);
  });
});

describe("a per-CPU hash", () => {
  const percpu = () => {
    const kernel = newKernel("linux-6.12", { cpus: 2 });
    return { kernel, map: kernel.addMap(mapDef("m", "percpu_hash")) as HashMap };
  };

  test("an update writes this CPU's value, the others' are zero at first and stay", () => {
    const { map } = percpu();
    map.update(keyOf(1), value(7n), BPF_ANY, 0);
    expect(new BigUint64Array(map.read(keyOf(1))!.buffer)).toEqual(new BigUint64Array([7n, 0n]));
    map.update(keyOf(1), value(8n), BPF_ANY, 1);
    expect(new BigUint64Array(map.read(keyOf(1))!.buffer)).toEqual(new BigUint64Array([7n, 8n]));
  });

  test("an element that is used again is zero on the other CPUs", () => {
    const { map } = percpu();
    map.update(keyOf(1), value(7n), BPF_ANY, 1);
    map.remove(keyOf(1));
    map.update(keyOf(2), value(5n), BPF_ANY, 0);
    expect(new BigUint64Array(map.read(keyOf(2))!.buffer)).toEqual(new BigUint64Array([5n, 0n]));
  });

  test("a program looks up the value of its own CPU", () => {
    for (const name of ["linux-6.1", "linux-6.12", "linux-7.2"] as const) {
      const kernel = newKernel(name, { cpus: 2 });
      const map = kernel.addMap(mapDef("m", "percpu_hash")) as HashMap;
      map.update(keyOf(1), value(7n), BPF_ANY, 0);
      map.update(keyOf(1), value(8n), BPF_ANY, 1);
      const { entry } = loadBpf(
        kernel,
        name,
        `r2 = 1
         *(u32 *)(r10 - 4) = r2
         r1 = m ll
         r2 = r10
         r2 += -4
         call bpf_map_lookup_elem
         if r0 == 0 goto out
         r0 = *(u64 *)(r0 + 0)
       out:
         exit`,
      );
      const { machine } = kernel;
      expect(rax(machine, { entry })).toBe(7n);
      machine.schedule(1, machine.addTask());
      expect(rax(machine, { entry })).toBe(8n);
    }
  });

  test("an update of a key that exists stays where it is", () => {
    const { map } = percpu();
    map.update(keyOf(1), value(7n), BPF_ANY, 0);
    const at = map.lookup(keyOf(1), 0);
    map.update(keyOf(1), value(8n), BPF_ANY, 0);
    expect(map.lookup(keyOf(1), 0)).toBe(at);
  });
});
