import type { SkBuff } from "../context/skb.ts";
import type { Kernel } from "../kernel.ts";
import { EINVAL } from "../maps/map.ts";

const EFAULT = 14n;
const NOBODY = 65534n;

/** Helpers on struct sk_buff (net/core/filter.c). */
export function installSkbHelpers(kernel: Kernel): void {
  const { machine } = kernel;
  const { memory } = machine;
  const skbAt = (address: bigint): SkBuff => {
    if (kernel.skb?.address !== address) throw new RangeError(`0x${address.toString(16)} is not the skb under way`);
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
    return 0n;
  });
  for (const size of [1, 2, 4] as const) {
    // bpf_skb_load_helper_N(skb, data, headlen, offset): what a classic load does when the inline path doesn't fit
    const load = (skb: SkBuff, offset: bigint): bigint => {
      const at = BigInt.asIntN(32, offset);
      if (at < 0n || at + BigInt(size) > BigInt(skb.length)) return -EFAULT;
      const bytes = memory.read(skb.data + at, size);
      return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    };
    provide(`bpf_skb_load_helper_${8 * size}`, (skb, args) => load(skb, args[3]));
    provide(`bpf_skb_load_helper_${8 * size}_no_cache`, (skb, args) => load(skb, args[1]));
  }
  provide("bpf_skb_pull_data", () => 0n);
  provide("bpf_get_cgroup_classid", () => 0n);
  provide("bpf_get_route_realm", () => 0n);
  provide("bpf_get_hash_recalc", (skb) => skb.get("hash"));
  provide("bpf_set_hash_invalid", () => 0n);
  provide("bpf_get_socket_cookie", () => 1n);
  provide("bpf_get_socket_uid", () => NOBODY);
}
