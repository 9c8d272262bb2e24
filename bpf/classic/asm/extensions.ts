import * as C from "../opcode.ts";

/** Names of ancillary data, as tools/bpf/bpf_asm has them. */
export const EXTENSIONS: Readonly<Record<string, number>> = {
  proto: C.SKF_AD_PROTOCOL,
  type: C.SKF_AD_PKTTYPE,
  ifidx: C.SKF_AD_IFINDEX,
  nla: C.SKF_AD_NLATTR,
  nlan: C.SKF_AD_NLATTR_NEST,
  mark: C.SKF_AD_MARK,
  queue: C.SKF_AD_QUEUE,
  hatype: C.SKF_AD_HATYPE,
  rxhash: C.SKF_AD_RXHASH,
  cpu: C.SKF_AD_CPU,
  vlan_tci: C.SKF_AD_VLAN_TAG,
  vlan_avail: C.SKF_AD_VLAN_TAG_PRESENT,
  vlan_pr: C.SKF_AD_VLAN_TAG_PRESENT,
  poff: C.SKF_AD_PAY_OFFSET,
  rand: C.SKF_AD_RANDOM,
  vlan_tpid: C.SKF_AD_VLAN_TPID,
};
