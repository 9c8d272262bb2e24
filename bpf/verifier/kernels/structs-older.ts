import { type BtfStructs, withStructs } from "../structs.ts";
import { structs as structs6_1 } from "./structs-6.1.ts";
import { structs as structs6_12 } from "./structs-6.12.ts";

// Kernels without a capture: laid out by hand from their sources, for x86-64 with CONFIG_SECURITY, NUMA, NF_CONNTRACK, BRIDGE_NETFILTER, XFRM,
// NET_CLS_ACT, NETWORK_SECMARK and SKB_EXTENSIONS on, and no debugging of locks, as Debian and Ubuntu configure them. What is not here is the
// nearest captured kernel's.

/** 4.10. bpf_array.index_mask (4.15), data_meta and xdp_buff.rxq do not exist: they lie where nothing is read. */
export const structs4_10: BtfStructs = withStructs(structs6_1, {
  bpf_prog: { size: 48, members: { bpf_func: 40 } },
  bpf_map: { size: 88, members: { map_type: 4, key_size: 8, value_size: 12, max_entries: 16, map_flags: 20 } },
  bpf_array: { size: 104, members: { elem_size: 88, index_mask: 92, value: 104, ptrs: 104, pptrs: 104 } },
  bpf_skb_data_end: { size: 48, members: { data_end: 32, data_meta: 40 } },
  net_device: { size: 2176, members: { ifindex: 264, type: 552 } },
  sk_buff: {
    size: 232,
    members: {
      tstamp: 16,
      sk: 24,
      dev: 32,
      cb: 40,
      len: 128,
      data_len: 132,
      queue_mapping: 140,
      cloned: "bit1136:1",
      pkt_type: "bit1152:3",
      tc_index: 148,
      tc_at_ingress: "bit1202:1",
      priority: 156,
      skb_iif: 160,
      hash: 164,
      vlan_proto: 168,
      vlan_tci: 170,
      vlan_present: "bit1372:1",
      napi_id: 172,
      mark: 180,
      protocol: 192,
      network_header: 196,
      mac_header: 198,
      tail: 200,
      end: 204,
      head: 208,
      data: 216,
    },
  },
  xdp_buff: { size: 40, members: { data: 0, data_end: 8, data_hard_start: 16, data_meta: 24, rxq: 32 } },
});

const SK_BUFF_5: BtfStructs = {
  sk_buff: {
    size: 224,
    members: {
      tc_at_ingress: "bit1054:1",
      mark: 164,
      protocol: 176,
      network_header: 180,
      mac_header: 182,
      tail: 184,
      end: 188,
      head: 192,
      data: 200,
    },
  },
};

/** 5.4 */
export const structs5_4: BtfStructs = withStructs(withStructs(structs6_1, SK_BUFF_5), {
  bpf_prog: { size: 56, members: { bpf_func: 48 } },
  bpf_map: { size: 192, members: { map_type: 24, key_size: 28, value_size: 32, max_entries: 36, map_flags: 40 } },
  bpf_array: { size: 256, members: { elem_size: 192, index_mask: 196, value: 208, ptrs: 208, pptrs: 208 } },
  net_device: { size: 2304, members: { ifindex: 264, type: 558 } },
  xdp_buff: { size: 48, members: { rxq: 40 } },
});

/** 5.10 */
export const structs5_10: BtfStructs = withStructs(withStructs(structs6_1, SK_BUFF_5), {
  bpf_prog: { size: 56, members: { bpf_func: 48 } },
  bpf_map: { size: 256, members: { map_flags: 40 } },
  net_device: { size: 2304, members: { ifindex: 256, type: 550 } },
});

/** 5.17 */
export const structs5_17: BtfStructs = withStructs(structs6_1, SK_BUFF_5);

/** 6.6 */
export const structs6_6: BtfStructs = withStructs(structs6_12, {
  bpf_map: { size: 256, members: {} },
  bpf_array: { size: 320, members: { elem_size: 256, index_mask: 260, value: 272, ptrs: 272, pptrs: 272 } },
  sk_buff: { size: 232, members: { mono_delivery_time: "bit1032:1", tc_at_ingress: "bit1033:1" } },
});

/** 6.16 */
export const structs6_16: BtfStructs = structs6_12;
