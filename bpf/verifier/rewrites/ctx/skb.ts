import * as O from "../../../opcode.ts";
import { offsetOf } from "../../../structs.ts";
import type { Env, KInsn } from "../../env.ts";
import { alu32, alu64Reg, ja, jmp, jmp32, ldx, mov64, stx } from "../../insns.ts";
import { bitField } from "../../structs.ts";
import { SKB } from "../../uapi.ts";

/** A converted access: the instructions, and the bytes the kernel's field has (0: not asked for). */
export interface Converted {
  insns: KInsn[];
  targetSize: number;
}

const MIN_NAPI_ID = (nrCpus: number): number => nrCpus + 1;
const NO_QUEUE_MAPPING = 0xffff;
const SIZES: Record<number, number> = { 1: O.BPF_B, 2: O.BPF_H, 4: O.BPF_W, 8: O.BPF_DW };

/** Fields that are one load or store of another place and size: bytes, and where in struct sk_buff. */
const PLAIN: Record<number, [bytes: number, member: string]> = {
  [SKB.len]: [4, "len"],
  [SKB.protocol]: [2, "protocol"],
  [SKB.vlan_proto]: [2, "vlan_proto"],
  [SKB.priority]: [4, "priority"],
  [SKB.ingress_ifindex]: [4, "skb_iif"],
  [SKB.hash]: [4, "hash"],
  [SKB.mark]: [4, "mark"],
  [SKB.vlan_tci]: [2, "vlan_tci"],
  [SKB.tc_index]: [2, "tc_index"],
};

/** Fields of the socket, by way of skb->sk. */
const SOCK: Record<number, [bytes: number, member: string]> = {
  [SKB.family]: [2, "skc_family"],
  [SKB.remote_ip4]: [4, "skc_daddr"],
  [SKB.local_ip4]: [4, "skc_rcv_saddr"],
  [SKB.remote_port]: [2, "skc_dport"],
  [SKB.local_port]: [2, "skc_num"],
};

/** BPF_EMIT_STORE: the same kind of store, of another size and place. */
const store = (si: KInsn, bytes: number, off: number): KInsn => ({
  ...si,
  code: O.classOf(si.code) | O.BPF_MEM | SIZES[bytes],
  off,
});

/** bpf_convert_ctx_access(): accesses to struct __sk_buff become accesses to struct sk_buff. */
export function convertSkb(env: Env, si: KInsn, write: boolean): Converted {
  const { structs, options } = env.kernel;
  const at = (field: string) => offsetOf(structs, field);
  const one = (bytes: number, off: number): Converted => ({
    insns: [write ? store(si, bytes, off) : ldx(SIZES[bytes], si.dst, si.src, off)],
    targetSize: bytes,
  });
  const plain = PLAIN[si.off];
  if (plain) return one(plain[0], at(`sk_buff.${plain[1]}`));
  const load = (size: number, field: string) => ldx(size, si.dst, si.src, at(field));
  const next = (size: number, field: string) => ldx(size, si.dst, si.dst, at(field));
  const sock = SOCK[si.off];
  if (sock) {
    const insns = [load(O.BPF_DW, "sk_buff.sk"), next(SIZES[sock[0]], `sock_common.${sock[1]}`)];
    if (si.off === SKB.remote_port) insns.push(alu32(O.BPF_LSH, si.dst, 16));
    return { insns, targetSize: sock[0] };
  }
  const cb = at("sk_buff.cb");
  switch (si.off) {
    case SKB.ifindex:
      return {
        insns: [load(O.BPF_DW, "sk_buff.dev"), jmp(O.BPF_JEQ, si.dst, 0, 1), next(O.BPF_W, "net_device.ifindex")],
        targetSize: 4,
      };
    case SKB.pkt_type: {
      const { byte, mask } = bitField(structs, "sk_buff.pkt_type");
      return { insns: [ldx(O.BPF_B, si.dst, si.src, byte), alu32(O.BPF_AND, si.dst, mask)], targetSize: 1 };
    }
    case SKB.queue_mapping:
      return queueMapping(si, write, at("sk_buff.queue_mapping"));
    case SKB.vlan_present:
      return vlanPresent(env, si);
    case SKB.tc_classid:
      return one(2, cb + at("qdisc_skb_cb.tc_classid"));
    case SKB.wire_len:
      return one(4, cb + at("qdisc_skb_cb.pkt_len"));
    case SKB.data:
      return { insns: [load(O.BPF_DW, "sk_buff.data")], targetSize: 0 };
    case SKB.data_meta:
      return { insns: [ldx(O.BPF_DW, si.dst, si.src, cb + at("bpf_skb_data_end.data_meta"))], targetSize: 0 };
    case SKB.data_end:
      return { insns: [ldx(O.BPF_DW, si.dst, si.src, cb + at("bpf_skb_data_end.data_end"))], targetSize: 0 };
    case SKB.napi_id:
      return {
        insns: [
          load(O.BPF_W, "sk_buff.napi_id"),
          jmp(O.BPF_JGE, si.dst, MIN_NAPI_ID(options.nrCpus), 1),
          mov64(si.dst, 0),
        ],
        targetSize: 4,
      };
    case SKB.tstamp:
      return { insns: write ? writeTstamp(env, si) : readTstamp(env, si), targetSize: 0 };
    case SKB.tstamp_type:
      return { insns: readTstampType(env, si), targetSize: 0 };
    case SKB.gso_segs:
      return { insns: [...sharedInfo(env, si), next(O.BPF_H, "skb_shared_info.gso_segs")], targetSize: 2 };
    case SKB.gso_size:
      return { insns: [...sharedInfo(env, si), next(O.BPF_H, "skb_shared_info.gso_size")], targetSize: 2 };
    case SKB.hwtstamp:
      return { insns: [...sharedInfo(env, si), next(O.BPF_DW, "skb_shared_info.hwtstamps")], targetSize: 8 };
    case SKB.sk:
      return { insns: [load(O.BPF_DW, "sk_buff.sk")], targetSize: 0 };
  }
  if (si.off >= SKB.cb && si.off < SKB.cb + 20) {
    const off = si.off - SKB.cb + cb + at("qdisc_skb_cb.data");
    return {
      insns: [write ? store(si, O.bytesOf(si.code), off) : ldx(O.sizeOf(si.code), si.dst, si.src, off)],
      targetSize: 0,
    };
  }
  for (const [from, member] of [
    [SKB.remote_ip6, "skc_v6_daddr"] as const,
    [SKB.local_ip6, "skc_v6_rcv_saddr"] as const,
  ])
    if (si.off >= from && si.off < from + 16) {
      const word = ldx(O.BPF_W, si.dst, si.dst, at(`sock_common.${member}`) + si.off - from);
      return { insns: [load(O.BPF_DW, "sk_buff.sk"), word], targetSize: 0 };
    }
  return { insns: [], targetSize: 0 };
}

/** A queue number that stands for none is not stored. */
function queueMapping(si: KInsn, write: boolean, off: number): Converted {
  if (!write) return { insns: [ldx(O.BPF_H, si.dst, si.src, off)], targetSize: 2 };
  const immediate = O.classOf(si.code) === O.BPF_ST;
  if (immediate && si.imm >= NO_QUEUE_MAPPING) return { insns: [ja(0)], targetSize: 2 };
  const guard = immediate ? [] : [jmp(O.BPF_JGE, si.src, NO_QUEUE_MAPPING, 1)];
  return { insns: [...guard, store(si, 2, off)], targetSize: 2 };
}

function vlanPresent(env: Env, si: KInsn): Converted {
  const { structs, skb } = env.kernel;
  if (skb.vlanPresent === "vlan_all") {
    const all = ldx(O.BPF_W, si.dst, si.src, offsetOf(structs, "sk_buff.vlan_all"));
    return { insns: [all, jmp(O.BPF_JEQ, si.dst, 0, 1), alu32(O.BPF_MOV, si.dst, 1)], targetSize: 4 };
  }
  const { byte, shift } = bitField(structs, "sk_buff.vlan_present");
  const insns = [ldx(O.BPF_B, si.dst, si.src, byte)];
  if (shift) insns.push(alu32(O.BPF_RSH, si.dst, shift));
  if (shift < 7) insns.push(alu32(O.BPF_AND, si.dst, 1));
  return { insns, targetSize: 1 };
}

/** struct skb_shared_info, at the end of the linear data. */
function sharedInfo(env: Env, si: KInsn): KInsn[] {
  const { structs, regAx: AX } = env.kernel;
  return [
    ldx(O.BPF_W, AX, si.src, offsetOf(structs, "sk_buff.end")),
    ldx(O.BPF_DW, si.dst, si.src, offsetOf(structs, "sk_buff.head")),
    alu64Reg(O.BPF_ADD, si.dst, AX),
  ];
}

const bitsOf = (env: Env) => {
  const { structs, skb } = env.kernel;
  const type = bitField(structs, skb.tstampType === "two_bits" ? "sk_buff.tstamp_type" : "sk_buff.mono_delivery_time");
  return {
    AX: env.kernel.regAx,
    byte: type.byte,
    type: type.mask,
    ingress: bitField(structs, "sk_buff.tc_at_ingress").mask,
  };
};

/** On ingress a delivery time reads as 0, unless the program looks at tstamp_type itself. */
function readTstamp(env: Env, si: KInsn): KInsn[] {
  const load = ldx(O.BPF_DW, si.dst, si.src, offsetOf(env.kernel.structs, "sk_buff.tstamp"));
  if (env.tstampTypeAccess || env.kernel.skb.tstampType === "none") return [load];
  const { AX, byte, type, ingress } = bitsOf(env);
  const bits = ldx(O.BPF_B, AX, si.src, byte);
  const zero = [mov64(si.dst, 0), ja(1)];
  if (env.kernel.skb.tstampType === "mono_bit")
    return [bits, alu32(O.BPF_AND, AX, ingress | type), jmp32(O.BPF_JNE, AX, ingress | type, 2), ...zero, load];
  return [bits, jmp32(O.BPF_JSET, AX, ingress, 1), ja(4), jmp32(O.BPF_JSET, AX, type, 1), ja(2), ...zero, load];
}

function writeTstamp(env: Env, si: KInsn): KInsn[] {
  const put = store(si, 8, offsetOf(env.kernel.structs, "sk_buff.tstamp"));
  if (env.tstampTypeAccess || env.kernel.skb.tstampType === "none") return [put];
  const { AX, byte, type, ingress } = bitsOf(env);
  return [
    ldx(O.BPF_B, AX, si.dst, byte),
    jmp32(O.BPF_JSET, AX, ingress, 1),
    ja(2),
    alu32(O.BPF_AND, AX, ~type),
    stx(O.BPF_B, si.dst, AX, byte),
    put,
  ];
}

function readTstampType(env: Env, si: KInsn): KInsn[] {
  const { AX, byte, type } = bitsOf(env);
  if (env.kernel.skb.tstampType === "two_bits")
    return [ldx(O.BPF_B, si.dst, si.src, byte), alu32(O.BPF_AND, si.dst, type)];
  return [
    ldx(O.BPF_B, AX, si.src, byte),
    jmp32(O.BPF_JSET, AX, type, 2),
    alu32(O.BPF_MOV, si.dst, 0),
    ja(1),
    alu32(O.BPF_MOV, si.dst, 1),
  ];
}

/** tc_cls_act_convert_ctx_access(): a classifier's packet always has a device. */
export function convertClassifier(env: Env, si: KInsn, write: boolean): Converted {
  const converted = convertSkb(env, si, write);
  if (si.off === SKB.ifindex) converted.insns.splice(1, 1);
  return converted;
}
