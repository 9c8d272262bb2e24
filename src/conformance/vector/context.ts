import { PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { SkBuff, type SkbRoom } from "../../../emulator/context/skb.ts";
import type { Entry } from "../execution.ts";
import type { Vector, VectorRun } from "./format.ts";

const LARGE_MEM = 4096;
/** bytes of the page fragment: test_bpf's MAX_DATA */
const FRAGMENT = 128;
const ETH_HLEN = 14;
/** as it is in memory */
const ETH_P_IP = 0x0008n;

/** What lib/test_bpf.c's populate_skb() puts into the fields, by their kernel names or those of struct __sk_buff. */
const FIELDS: Record<string, bigint> = {
  protocol: ETH_P_IP,
  pkt_type: 3n,
  mark: 0x1234aaaan,
  hash: 0x1234aaabn,
  queue_mapping: 123n,
  vlan_tci: 0xffffn,
  vlan_proto: ETH_P_IP,
  ifindex: 577n,
  hatype: 588n,
};

/** What a run of a vector starts with. */
export function enterVector({ flags, data, fragData }: Vector, { dataSize }: VectorRun, room: SkbRoom): Entry {
  if (flags.has("NO_DATA")) return { r1: 0n, r2: 0n };
  if (flags.has("LARGE_MEM")) return { r1: room.heap.take(Math.max(LARGE_MEM, dataSize), 64), r2: 0n };
  const skb = new SkBuff(room, padded(data, dataSize), PROG_TYPE_SCHED_CLS);
  const mac = skb.data - skb.get("head");
  skb.set("mac_header", mac);
  skb.set("network_header", mac + BigInt(Math.min(dataSize, ETH_HLEN)));
  for (const [name, value] of Object.entries(FIELDS)) skb.setContext(name, value);
  if (room.layout.structs.sk_buff?.members.vlan_present !== undefined) skb.set("vlan_present", 1n);
  if (flags.has("SKB_FRAG")) skb.addFragment(padded(fragData, FRAGMENT));
  return { r1: skb.address, r2: 0n, skb };
}

/** The first `size` bytes, zeroes behind them. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  const all = new Uint8Array(size);
  all.set(bytes.subarray(0, size));
  return all;
}
