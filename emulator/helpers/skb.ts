import type { SkBuff } from "../context/skb.ts";
import type { Kernel } from "../kernel.ts";
import { EINVAL, ENOMEM } from "../maps/map.ts";
import { GuestFault } from "../memory.ts";

const EFAULT = 14n;
const NOBODY = 65534n;
/** offsets of a classic load that start at the network header, and at the link layer's */
const SKF_NET_OFF = -0x100000n;
const SKF_LL_OFF = -0x200000n;
const BPF_F_INVALIDATE_HASH = 2n;

/** Address that a classic load at `offset` means; undefined: none. */
function loadAddress(skb: SkBuff, offset: bigint): bigint | undefined {
  if (offset >= 0n) return skb.data + offset;
  if (offset >= SKF_NET_OFF) return skb.get("head") + skb.get("network_header") + offset - SKF_NET_OFF;
  if (offset >= SKF_LL_OFF) return skb.get("head") + skb.get("mac_header") + offset - SKF_LL_OFF;
  return undefined;
}

/** Helpers on struct sk_buff (net/core/filter.c). */
export function installSkbHelpers(kernel: Kernel): void {
  const { machine } = kernel;
  const { memory } = machine;
  const skbAt = (address: bigint): SkBuff => {
    if (kernel.skb?.address !== address) throw new GuestFault(`0x${address.toString(16)} is not the skb under way`);
    return kernel.skb;
  };
  const provide = (name: string, model: (skb: SkBuff, args: readonly bigint[]) => bigint): void =>
    machine.host.provide(name, ({ args }) => model(skbAt(args[0]), args));
  const inside = (skb: SkBuff, offset: bigint, length: bigint): boolean =>
    offset <= 0x7fffffffn && offset + length <= BigInt(skb.length);

  provide("bpf_skb_load_bytes", (skb, [, offset, to, length]) => {
    const at = BigInt.asUintN(32, offset);
    const size = BigInt.asUintN(32, length);
    if (!inside(skb, at, size)) {
      memory.fill(to, Number(size));
      return -EFAULT;
    }
    memory.write(to, memory.read(skb.data + at, Number(size)));
    return 0n;
  });
  provide("bpf_skb_store_bytes", (skb, [, offset, from, length, flags]) => {
    const at = BigInt.asUintN(32, offset);
    const size = BigInt.asUintN(32, length);
    if (flags & ~3n) return -EINVAL;
    if (!inside(skb, at, size)) return -EFAULT;
    memory.write(skb.data + at, memory.read(from, Number(size)));
    if (flags & BPF_F_INVALIDATE_HASH) skb.set("hash", 0n);
    return 0n;
  });
  for (const size of [1, 2, 4] as const) {
    // bpf_skb_load_helper_N(skb, data, headlen, offset): what a classic load does when the inline path doesn't fit
    const load = (skb: SkBuff, offset: bigint): bigint => {
      const at = loadAddress(skb, BigInt.asIntN(32, offset));
      const end = skb.data + BigInt(skb.length);
      if (at === undefined || at < skb.get("head") || at + BigInt(size) > end) return -EFAULT;
      const bytes = memory.read(at, size);
      return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    };
    provide(`bpf_skb_load_helper_${8 * size}`, (skb, args) => load(skb, args[3]));
    provide(`bpf_skb_load_helper_${8 * size}_no_cache`, (skb, args) => load(skb, args[1]));
  }
  provide("bpf_skb_pull_data", (skb, [, length]) => (BigInt.asUintN(32, length) > BigInt(skb.length) ? -ENOMEM : 0n));
  provide("bpf_get_cgroup_classid", () => 0n);
  provide("bpf_get_route_realm", () => 0n);
  provide("bpf_get_hash_recalc", (skb) => skb.get("hash"));
  provide("bpf_set_hash_invalid", (skb) => {
    skb.set("hash", 0n);
    return 0n;
  });
  provide("bpf_get_socket_cookie", () => 1n);
  provide("bpf_get_socket_uid", () => NOBODY);
}
