import type { SkBuff } from "../context/skb.ts";
import { payloadOffset } from "./payload-offset.ts";

const EFAULT = 14n;
/** Offsets that start at the network header, and at the link layer's (include/uapi/linux/filter.h). */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;
/** struct nlattr: nla_len:u16, nla_type:u16, both in host order; attributes begin at multiples of 4 bytes. */
const NLA_HDRLEN = 4;
const NLA_TYPE_MASK = 0x3fff;

type Model = (skb: SkBuff, args: readonly bigint[]) => bigint;

const int = (value: bigint): number => Number(BigInt.asIntN(32, value));
const u32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** bpf_skb_load_helper_convert_offset(): offset from skb->data; undefined where it means nothing. */
function fromData(skb: SkBuff, offset: number): number | undefined {
  if (offset >= 0) return offset;
  if (offset >= SKF_NET_OFF) return offset - SKF_NET_OFF + skb.networkOffset;
  if (offset >= SKF_LL_OFF) return offset - SKF_LL_OFF + skb.macOffset;
  return undefined;
}

/** bpf_internal_load_pointer_neg_helper(): where the bytes at a header's offset are, 0 where not in the packet's first piece. */
function headerPointer(skb: SkBuff, offset: bigint, size: bigint): bigint {
  const at = fromData(skb, int(offset));
  if (at === undefined) return 0n;
  const start = skb.data + BigInt(at);
  return start >= skb.get("head") && start + size <= skb.get("head") + skb.get("tail") ? start : 0n;
}

/** A big-endian number of the packet, or -EFAULT. */
function load(skb: SkBuff, size: number, offset: bigint): bigint {
  const at = fromData(skb, int(offset));
  const bytes = at === undefined ? undefined : skb.copyBits(at, size);
  if (!bytes) return -EFAULT;
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** nla_find(): where the first attribute of that type is among those at [at, at + length), 0 where there is none. */
function findAttribute(skb: SkBuff, at: number, length: number, type: number): number {
  for (let left = length; left >= NLA_HDRLEN; ) {
    const size = skb.hostU16(at) ?? 0;
    if (size < NLA_HDRLEN || size > left) return 0;
    if (((skb.hostU16(at + 2) ?? 0) & NLA_TYPE_MASK) === type) return at;
    const step = (size + 3) & ~3;
    at += step;
    left -= step;
  }
  return 0;
}

/** Netlink attributes are looked for in linear packets only; `at` is where the first one, or the one around them, lies. */
const attributes =
  (find: (skb: SkBuff, at: number, type: number) => number): Model =>
  (skb, [, at, type]) => {
    const start = u32(at);
    return skb.isNonlinear || start > skb.length - NLA_HDRLEN ? 0n : BigInt(find(skb, start, u32(type)));
  };

function findNested(skb: SkBuff, at: number, type: number): number {
  const size = skb.hostU16(at) ?? 0;
  return size > skb.length - at ? 0 : findAttribute(skb, at + NLA_HDRLEN, size - NLA_HDRLEN, type);
}

/** What converted classic filters call (net/core/filter.c), by symbol; LD_ABS and LD_IND of extended BPF call some of them, too. */
export const CLASSIC_HELPERS: Readonly<Record<string, Model>> = {
  bpf_skb_get_pay_offset: (skb) => BigInt(payloadOffset(skb)),
  bpf_skb_get_nlattr: attributes((skb, at, type) => findAttribute(skb, at, skb.length - at, type)),
  bpf_skb_get_nlattr_nest: attributes(findNested),
  bpf_internal_load_pointer_neg_helper: (skb, [, offset, size]) => headerPointer(skb, offset, size),
  ...Object.fromEntries(
    [1, 2, 4].flatMap((size): [string, Model][] => [
      // (skb, data, headlen, offset)
      [`bpf_skb_load_helper_${8 * size}`, (skb, args) => load(skb, size, args[3])],
      // (skb, offset)
      [`bpf_skb_load_helper_${8 * size}_no_cache`, (skb, args) => load(skb, size, args[1])],
    ]),
  ),
};
