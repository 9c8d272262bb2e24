import type { SkBuff } from "../context/skb.ts";
import type { Kernel } from "../kernel.ts";
import { EINVAL, ENOMEM } from "../maps/map.ts";
import { GuestFault } from "../memory.ts";
import { CLASSIC_HELPERS } from "./classic.ts";

const EFAULT = 14n;
const NOBODY = 65534n;
const BPF_F_INVALIDATE_HASH = 2n;

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
  provide("skb_copy_bits", (skb, [, offset, to, length]) => {
    const bytes = skb.copyBits(Number(BigInt.asIntN(32, offset)), Number(BigInt.asIntN(32, length)));
    if (!bytes) return -EFAULT;
    memory.write(to, bytes);
    return 0n;
  });
  for (const [name, model] of Object.entries(CLASSIC_HELPERS)) provide(name, model);
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
