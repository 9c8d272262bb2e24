import { describe, expect, test } from "vitest";
import type { HashMap } from "../../../emulator/maps/hash.ts";
import { keyOf } from "../../../emulator/maps/map.ts";
import { mapDef } from "../bpf.ts";
import { newKernel } from "../guest.ts";
import { bytesAt, call, faultOf } from "./call.ts";

const [ENOENT, E2BIG, EEXIST, EINVAL] = [-2n, -7n, -17n, -22n];

function world(
  type: "array" | "hash" | "percpu_array" | "percpu_hash",
  name: "linux-6.1" | "linux-6.12" = "linux-6.12",
) {
  const kernel = newKernel(name, { cpus: 2 });
  const map = kernel.addMap(mapDef("m", type, { maxEntries: 2 }));
  const key = (n: number) => bytesAt(kernel, keyOf(n));
  const value = (n: number) => bytesAt(kernel, keyOf(n, 8));
  const update = (k: number, v: number, flags = 0n) =>
    call(kernel, "bpf_map_update_elem", map.address, key(k), value(v), flags);
  const lookup = (k: number) => BigInt.asUintN(64, call(kernel, "bpf_map_lookup_elem", map.address, key(k)));
  const remove = (k: number) => call(kernel, "bpf_map_delete_elem", map.address, key(k));
  return { kernel, map, key, value, update, lookup, remove };
}

describe.each(["array", "percpu_array"] as const)("an %s", (type) => {
  test("is read and written; there is nothing to delete", () => {
    const { kernel, update, lookup, remove } = world(type);
    expect([update(1, 5), update(2, 5), update(1, 6, 1n), update(1, 6, 3n)]).toEqual([0n, E2BIG, EEXIST, EINVAL]);
    expect([kernel.machine.memory.load(lookup(1), 8), lookup(2)]).toEqual([5n, 0n]);
    expect(remove(1)).toBe(EINVAL);
  });
});

describe.each(["hash", "percpu_hash"] as const)("a %s", (type) => {
  test("grows, is full, and shrinks", () => {
    const { kernel, update, lookup, remove } = world(type);
    expect([update(1, 5, 2n), update(1, 5), update(1, 6, 1n), update(2, 7), update(3, 8)]).toEqual([
      ENOENT,
      0n,
      EEXIST,
      0n,
      E2BIG,
    ]);
    expect(kernel.machine.memory.load(lookup(2), 8)).toBe(7n);
    expect([remove(3), remove(2), lookup(2), update(3, 8)]).toEqual([ENOENT, 0n, 0n, 0n]);
  });

  test("__htab_map_lookup_elem returns the element, from which the value is an inlined step away", () => {
    const { kernel, map, key, update } = world(type);
    update(1, 5);
    const element = BigInt.asUintN(64, call(kernel, "__htab_map_lookup_elem", map.address, key(1)));
    expect(element).toBe((map as HashMap).element(keyOf(1)));
    expect(call(kernel, "__htab_map_lookup_elem", map.address, key(2))).toBe(0n);
  });
});

test("on this CPU: a per-CPU map's update and lookup are those of the CPU that runs", () => {
  const { kernel, map, update, lookup } = world("percpu_array");
  update(0, 1);
  kernel.machine.schedule(1, kernel.machine.addTask());
  update(0, 2);
  expect(lookup(0)).toBe(map.lookup(keyOf(0), 1));
  expect(map.read(keyOf(0))).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
});

describe("errors of a map's own functions, which programs call directly", () => {
  test("are int before 6.4: the upper half of rax is zero", () => {
    const { kernel, map, key, value } = world("array", "linux-6.1");
    const direct = () => call(kernel, "array_map_update_elem", map.address, key(9), value(1), 0n);
    expect(direct()).toBe(0xfffffff9n);
    expect(call(kernel, "htab_map_delete_elem", map.address, key(9))).toBe(0xffffffean);
  });

  test("are long since then, and those of the helpers always", () => {
    const { kernel, map, key, value } = world("array", "linux-6.12");
    expect(call(kernel, "array_map_update_elem", map.address, key(9), value(1), 0n)).toBe(E2BIG);
    const old = world("array", "linux-6.1");
    expect(old.update(9, 1)).toBe(E2BIG);
  });

  test("a lookup returns an address, of 64 bits on every kernel", () => {
    const { kernel, map, key } = world("array", "linux-6.1");
    expect(BigInt.asUintN(64, call(kernel, "array_map_lookup_elem", map.address, key(1)))).toBe(
      map.lookup(keyOf(1), 0),
    );
  });
});

describe("what is no map, no key or no value", () => {
  test("faults, as it would in the kernel", () => {
    const { kernel, map, key } = world("hash");
    expect(faultOf(kernel, "bpf_map_lookup_elem", 0x1000n, key(1))).toBe("0x1000 is no map");
    expect(faultOf(kernel, "bpf_map_lookup_elem", map.address, 0n)).toMatch(/^it reads 4 bytes at 0x0/);
    expect(faultOf(kernel, "bpf_map_update_elem", map.address, key(1), 8n, 0n)).toMatch(/^it reads 8 bytes at 0x8/);
    expect(map.keys()).toEqual([]);
  });
});
