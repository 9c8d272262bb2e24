import { describe, expect, test } from "vitest";
import { PROG_TYPE_SCHED_CLS, PROG_TYPE_SOCKET_FILTER } from "../../../bpf/program.ts";
import { SkBuff } from "../../../emulator/context/skb.ts";
import { newKernel } from "../guest.ts";
import { bytesAt, call, faultOf } from "./call.ts";

const [EFAULT, EINVAL, ENOMEM] = [-14n, -22n, -12n];

/** A packet of 40 bytes, each its index, under way. */
function world(type = PROG_TYPE_SCHED_CLS) {
  const kernel = newKernel();
  const skb = new SkBuff(
    kernel.machine,
    Uint8Array.from({ length: 40 }, (_, i) => i),
    type,
  );
  kernel.skb = skb;
  return { kernel, skb, helper: (name: string, ...args: bigint[]) => call(kernel, name, skb.address, ...args) };
}

describe("bpf_skb_load_bytes", () => {
  const load = (offset: bigint, length: bigint) => {
    const { kernel, helper } = world();
    const to = bytesAt(kernel, new Uint8Array(8).fill(0xee));
    return [helper("bpf_skb_load_bytes", offset, to, length), ...kernel.machine.memory.read(to, 8)];
  };

  test.each<[what: string, offset: bigint, length: bigint, bytes: number[]]>([
    ["the first bytes", 0n, 4n, [0, 1, 2, 3]],
    ["the last ones", 36n, 4n, [36, 37, 38, 39]],
    ["an offset whose upper half is garbage", 0xdead00000002n, 2n, [2, 3]],
  ])("%s", (_, offset, length, bytes) => {
    expect(load(offset, length)).toEqual([0n, ...bytes, ...new Array(8 - bytes.length).fill(0xee)]);
  });

  test.each<[what: string, offset: bigint, length: bigint]>([
    ["past the end", 37n, 4n],
    ["far past it", 0x7fffffffn, 4n],
    ["before the beginning", 0xffffffffn, 4n],
    ["an offset beyond INT_MAX", 0x80000000n, 4n],
  ])("%s: -EFAULT, and zeros", (_, offset, length) => {
    expect(load(offset, length)).toEqual([EFAULT, 0, 0, 0, 0, 0xee, 0xee, 0xee, 0xee]);
  });
});

describe("bpf_skb_store_bytes", () => {
  const store = (offset: bigint, length: bigint, flags = 0n) => {
    const { kernel, skb, helper } = world();
    skb.set("hash", 77n);
    const from = bytesAt(kernel, Uint8Array.of(0xa1, 0xa2, 0xa3, 0xa4));
    const result = helper("bpf_skb_store_bytes", offset, from, length, flags);
    return { result, packet: [...skb.packet()], hash: skb.get("hash") };
  };
  const untouched = Array.from({ length: 40 }, (_, i) => i);

  test("writes into the packet", () => {
    expect(store(38n, 2n)).toEqual({ result: 0n, packet: [...untouched.slice(0, 38), 0xa1, 0xa2], hash: 77n });
  });

  test("BPF_F_INVALIDATE_HASH forgets the hash, BPF_F_RECOMPUTE_CSUM doesn't", () => {
    expect([store(0n, 4n, 1n).hash, store(0n, 4n, 2n).hash, store(0n, 4n, 3n).hash]).toEqual([77n, 0n, 0n]);
  });

  test.each<[what: string, offset: bigint, flags: bigint, error: bigint]>([
    ["past the end", 37n, 0n, EFAULT],
    ["beyond INT_MAX", 0x80000000n, 0n, EFAULT],
    ["flags that don't exist, before the offset", 100n, 4n, EINVAL],
  ])("%s", (_, offset, flags, error) => {
    expect(store(offset, 4n, flags)).toEqual({ result: error, packet: untouched, hash: 77n });
  });
});

describe("classic loads by their helpers", () => {
  test("are big endian, of 1, 2 and 4 bytes", () => {
    const { helper } = world();
    expect([8, 16, 32].map((bits) => helper(`bpf_skb_load_helper_${bits}`, 0n, 0n, 2n))).toEqual([
      2n,
      0x0203n,
      0x02030405n,
    ]);
    expect([8, 16, 32].map((bits) => helper(`bpf_skb_load_helper_${bits}_no_cache`, 4n))).toEqual([
      4n,
      0x0405n,
      0x04050607n,
    ]);
  });

  test("end with the packet", () => {
    const { helper } = world();
    const load = (offset: bigint) => helper("bpf_skb_load_helper_32_no_cache", offset);
    expect([load(36n), load(37n), load(0x7fffffffn)]).toEqual([0x24252627n, EFAULT, EFAULT]);
  });

  test("at SKF_LL_OFF count from the Ethernet header, at SKF_NET_OFF from the network header, whatever the program sees", () => {
    const { helper } = world(PROG_TYPE_SOCKET_FILTER); // its data starts behind the Ethernet header
    const load = (offset: bigint) => helper("bpf_skb_load_helper_8_no_cache", BigInt.asUintN(64, offset));
    expect([load(0n), load(-0x200000n), load(-0x200000n + 13n), load(-0x100000n)]).toEqual([14n, 0n, 13n, 14n]);
    expect([load(-0x100000n + 25n), load(-0x100000n + 26n)]).toEqual([39n, EFAULT]);
    expect([load(-1n), load(-0x200001n)]).toEqual([EFAULT, EFAULT]);
  });
});

test("bpf_skb_pull_data: as much as there is, else -ENOMEM; 0 is all", () => {
  const { helper } = world();
  expect([helper("bpf_skb_pull_data", 0n), helper("bpf_skb_pull_data", 40n)]).toEqual([0n, 0n]);
  expect(helper("bpf_skb_pull_data", 41n)).toBe(ENOMEM);
});

test("the hash is what the packet has, until it is invalidated", () => {
  const { helper, skb } = world();
  skb.set("hash", 0x89abcdefn);
  expect(helper("bpf_get_hash_recalc")).toBe(0x89abcdefn);
  expect([helper("bpf_set_hash_invalid"), skb.get("hash")]).toEqual([0n, 0n]);
});

test("nobody's socket, no class, no realm", () => {
  const { helper } = world();
  const names = ["bpf_get_socket_uid", "bpf_get_socket_cookie", "bpf_get_cgroup_classid", "bpf_get_route_realm"];
  expect(names.map((name) => helper(name))).toEqual([65534n, 1n, 0n, 0n]);
});

test("what is not the skb under way faults", () => {
  const { kernel } = world();
  expect(faultOf(kernel, "bpf_skb_pull_data", 0x1000n, 0n)).toBe("0x1000 is not the skb under way");
  kernel.skb = undefined;
  expect(faultOf(kernel, "bpf_get_hash_recalc", 0n)).toBe("0x0 is not the skb under way");
});
