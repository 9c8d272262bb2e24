import type { SkBuff } from "../context/skb.ts";

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const ETH_P_8021Q = 0x8100;
const ETH_P_8021AD = 0x88a8;

const IPPROTO_IPIP = 4;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPV6_FRAGMENT = 44;
/** hop-by-hop options, routing, destination options */
const IPV6_OPTIONS = [0, 43, 60];

/** Bytes of the transport headers that skb_get_poff() knows: UDP, UDP-Lite, ICMP, ICMPv6, IGMP, DCCP, SCTP. */
const HEADERS: Record<number, number> = { 17: 8, 136: 8, 1: 8, 58: 8, 2: 8, 33: 12, 132: 12 };
const TCP_HEADER = 20;

/** Where the transport header is; undefined: the headers before it are cut short, or not understood. */
interface Transport {
  at: number;
  protocol: number;
  /** a fragment: there is no transport header to skip */
  isFragment: boolean;
}

/**
 * skb_get_poff() (net/core/flow_dissector.c): where the payload begins, as an offset from skb->data; 0 where the headers are
 * cut short or unknown. IPv4, IPv6, VLAN tags and IP in IP are followed; GRE, MPLS, PPPoE and other tunnels are not.
 */
export function payloadOffset(skb: SkBuff): number {
  const transport = dissect(skb, etherType(skb), skb.networkOffset);
  if (!transport) return 0;
  const { at, protocol, isFragment } = transport;
  if (isFragment) return at;
  if (protocol !== IPPROTO_TCP) return at + (HEADERS[protocol] ?? 0);
  const offset = skb.copyBits(at + 12, 1);
  return offset ? at + Math.max(TCP_HEADER, (offset[0] & 0xf0) >> 2) : at;
}

/** What the network header is, in host order: behind a tag that was taken off the packet, what it says (skb->protocol). */
const etherType = (skb: SkBuff): number => {
  const value = Number(skb.get("protocol"));
  return ((value & 0xff) << 8) | (value >> 8);
};

function dissect(skb: SkBuff, type: number, at: number): Transport | undefined {
  switch (type) {
    case ETH_P_8021Q:
    case ETH_P_8021AD: {
      const tag = skb.copyBits(at, 4);
      return tag && dissect(skb, (tag[2] << 8) | tag[3], at + 4);
    }
    case ETH_P_IP: {
      const header = skb.copyBits(at, 20);
      const words = (header?.[0] ?? 0) & 0xf;
      if (!header || words < 5) return undefined;
      const isFragment = ((header[6] << 8) | header[7]) & 0x3fff;
      return isFragment
        ? { at: at + 4 * words, protocol: header[9], isFragment: true }
        : behindIp(skb, header[9], at + 4 * words);
    }
    case ETH_P_IPV6: {
      const header = skb.copyBits(at, 40);
      return header && behindIp(skb, header[6], at + 40);
    }
    default:
      return undefined;
  }
}

function behindIp(skb: SkBuff, protocol: number, at: number): Transport | undefined {
  if (protocol === IPPROTO_IPIP) return dissect(skb, ETH_P_IP, at);
  if (protocol === IPPROTO_IPV6) return dissect(skb, ETH_P_IPV6, at);
  if (IPV6_OPTIONS.includes(protocol)) {
    const header = skb.copyBits(at, 2);
    return header && behindIp(skb, header[0], at + 8 * (header[1] + 1));
  }
  if (protocol === IPV6_FRAGMENT) {
    const header = skb.copyBits(at, 8);
    return header && { at: at + 8, protocol: header[0], isFragment: true };
  }
  return { at, protocol, isFragment: false };
}
