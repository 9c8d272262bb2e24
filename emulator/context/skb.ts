import { PROG_TYPE_SCHED_CLS } from "../../bpf/program.ts";
import { offsetOf } from "../../bpf/structs.ts";
import type { Machine } from "../machine.ts";

/** Room in front of and behind the packet. */
const HEADROOM = 256n;
const TAILROOM = 512n;
const ETH_HLEN = 14;
const ETH_P_802_2 = 0x0004;
const ETH_P_802_3_MIN = 0x0600;
const PACKET_OTHERHOST = 3;
const LOOPBACK_IFINDEX = 1n;
/** Bytes reserved for a struct net_device or struct sock; the real ones are smaller. */
const OBJECT_SIZE = 4096;

/** struct sk_buff in guest memory, as BPF_PROG_TEST_RUN builds it (net/bpf/test_run.c). */
export class SkBuff {
  readonly address: bigint;
  /** first byte of packet data that the program sees, and its length in bytes */
  readonly data: bigint;
  readonly length: number;
  readonly #machine: Machine;
  readonly #device: bigint;

  /** `packet`: data_in. A classifier sees the Ethernet header, other types start behind it. */
  constructor(machine: Machine, packet: Uint8Array, programType: number) {
    const { memory, heap, layout } = machine;
    this.#machine = machine;
    this.address = heap.take((layout.structs.sk_buff?.size ?? 256) + 64, 64);
    const head = heap.take(HEADROOM + BigInt(packet.length) + TAILROOM, 64);
    const isL2 = programType === PROG_TYPE_SCHED_CLS;
    const skip = isL2 ? 0 : Math.min(ETH_HLEN, packet.length);
    memory.write(head + HEADROOM, packet);
    this.data = head + HEADROOM + BigInt(skip);
    this.length = packet.length - skip;
    const end = HEADROOM + BigInt(packet.length);

    this.set("head", head);
    this.set("data", this.data);
    this.set("tail", end);
    this.set("end", (end + 63n) & ~63n);
    this.set("len", BigInt(this.length));
    this.set("mac_header", HEADROOM);
    this.set("network_header", HEADROOM + BigInt(ETH_HLEN));
    this.set("protocol", BigInt(protocol(packet)));
    this.set("pkt_type", BigInt(PACKET_OTHERHOST));
    this.#device = heap.take(OBJECT_SIZE, 64);
    this.set("dev", this.#device);
    this.set("sk", heap.take(OBJECT_SIZE, 64));
    this.setContext("ifindex", LOOPBACK_IFINDEX);
    this.setContext("wire_len", BigInt(this.length));
    this.#computeDataPointers();
  }

  /** bpf_compute_data_pointers */
  #computeDataPointers(): void {
    const { memory } = this.#machine;
    memory.store(this.#inControlBlock("bpf_skb_data_end.data_meta"), 8, this.data);
    memory.store(this.#inControlBlock("bpf_skb_data_end.data_end"), 8, this.data + BigInt(this.length));
  }

  #inControlBlock(field: string): bigint {
    const { structs } = this.#machine.layout;
    return this.address + BigInt(offsetOf(structs, "sk_buff.cb") + offsetOf(structs, field));
  }

  /** Set what a program reads as that member of struct __sk_buff. Throws RangeError for one that cannot be set. */
  setContext(name: string, value: bigint): void {
    const { memory, layout } = this.#machine;
    switch (name) {
      case "ifindex":
        return memory.store(this.#device + BigInt(offsetOf(layout.structs, "net_device.ifindex")), 4, value);
      case "wire_len":
        return memory.store(this.#inControlBlock("qdisc_skb_cb.pkt_len"), 4, value);
      case "tc_classid":
        return memory.store(this.#inControlBlock("qdisc_skb_cb.tc_classid"), 2, value);
      case "ingress_ifindex":
        return this.set("skb_iif", value);
      case "gso_segs":
      case "gso_size":
      case "hwtstamp":
        return this.#setShared(name, value);
    }
    this.set(name, value);
  }

  /** struct skb_shared_info lies behind the data. */
  #setShared(name: string, value: bigint): void {
    const { memory, layout } = this.#machine;
    const member = name === "hwtstamp" ? "hwtstamps" : name;
    const at = this.get("head") + this.get("end") + BigInt(offsetOf(layout.structs, `skb_shared_info.${member}`));
    memory.store(at, name === "hwtstamp" ? 8 : 2, value);
  }

  #member(name: string): { addr: bigint; bytes: 1 | 2 | 4 | 8; shift: bigint; mask: bigint } {
    const member = this.#machine.layout.structs.sk_buff?.members[name];
    if (typeof member === "number")
      return { addr: this.address + BigInt(member), bytes: SIZES[name] ?? 4, shift: 0n, mask: -1n };
    const bit = /^bit(\d+):(\d+)$/.exec(member ?? "");
    if (!bit) throw new RangeError(`sk_buff has no field ${name}`);
    const first = Number(bit[1]);
    return {
      addr: this.address + BigInt(first >> 3),
      bytes: 1,
      shift: BigInt(first & 7),
      mask: (1n << BigInt(bit[2])) - 1n,
    };
  }

  /** Store a field by its kernel name. Throws RangeError when there is none. */
  set(name: string, value: bigint): void {
    const { addr, bytes, shift, mask } = this.#member(name);
    const { memory } = this.#machine;
    if (mask === -1n) return memory.store(addr, bytes, value);
    const old = memory.load(addr, 1);
    memory.store(addr, 1, (old & ~(mask << shift)) | ((value & mask) << shift));
  }

  get(name: string): bigint {
    const { addr, bytes, shift, mask } = this.#member(name);
    const raw = this.#machine.memory.load(addr, bytes);
    return mask === -1n ? raw : (raw >> shift) & mask;
  }

  /** The packet as the program left it. */
  packet(): Uint8Array {
    return this.#machine.memory.read(this.data, this.length);
  }
}

/** Fields that are not 4 bytes wide. */
const SIZES: Record<string, 1 | 2 | 4 | 8> = {
  head: 8,
  data: 8,
  dev: 8,
  sk: 8,
  tstamp: 8,
  mac_header: 2,
  network_header: 2,
  transport_header: 2,
  protocol: 2,
  queue_mapping: 2,
  vlan_tci: 2,
  vlan_proto: 2,
  tc_index: 2,
};

/** eth_type_trans: the type field as it is in memory, or ETH_P_802_2 for a length. */
function protocol(packet: Uint8Array): number {
  if (packet.length < ETH_HLEN) return 0;
  const type = (packet[12] << 8) | packet[13];
  const value = type >= ETH_P_802_3_MIN ? type : ETH_P_802_2;
  return (value >> 8) | ((value & 0xff) << 8);
}
