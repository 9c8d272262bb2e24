import type { Memory } from "../../bpf/memory.ts";
import { PROG_TYPE_SCHED_CLS } from "../../bpf/program.ts";
import { offsetOf, type Structs } from "../../bpf/structs.ts";

/** Room in front of and behind the packet. */
const HEADROOM = 256n;
const TAILROOM = 512n;
const ETH_HLEN = 14;
const ETH_P_802_2 = 0x0004;
const ETH_P_802_3_MIN = 0x0600;
/** in network order, as a little-endian CPU reads it */
const ETH_P_8021Q = 0x0081n;
const PACKET_OTHERHOST = 3;
const LOOPBACK_IFINDEX = 1n;
/** Bytes reserved for a struct net_device or struct sock; the real ones are smaller. */
const OBJECT_SIZE = 4096;

/** Where an sk_buff is built: a machine, or what else has memory and hands out addresses of it. */
export interface SkbRoom {
  readonly memory: Memory;
  readonly heap: { take(size: number | bigint, align: number | bigint): bigint };
  readonly layout: { readonly structs: Structs };
  /** of numbers that the kernel keeps; little by default, and then memory is, too */
  readonly byteOrder?: "little" | "big";
}

/** struct sk_buff in guest memory, as BPF_PROG_TEST_RUN builds it (net/bpf/test_run.c). */
export class SkBuff {
  readonly address: bigint;
  /** first byte of packet data that the program sees, and the bytes that lie there (skb_headlen) */
  readonly data: bigint;
  readonly length: number;
  /** what lies behind the linear data, in pages: only kernel functions get there */
  #fragment: Uint8Array = new Uint8Array();
  readonly #machine: SkbRoom;
  readonly #device: bigint;

  /** `packet`: data_in. A classifier sees the Ethernet header, other types start behind it. */
  constructor(machine: SkbRoom, packet: Uint8Array, programType: number) {
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

  /** skb_add_rx_frag(): the packet goes on in a page. */
  addFragment(bytes: Uint8Array): void {
    this.#fragment = bytes;
    this.set("data_len", BigInt(bytes.length));
    this.set("len", BigInt(this.length + bytes.length));
  }

  get isNonlinear(): boolean {
    return this.#fragment.length > 0;
  }

  /** skb_copy_bits(): bytes at an offset from data, of the headroom (negative), the linear part and the pages; undefined: beyond. */
  copyBits(offset: number, size: number): Uint8Array | undefined {
    if (offset + size > this.length + this.#fragment.length || this.data + BigInt(offset) < this.get("head"))
      return undefined;
    const linear = Math.max(0, Math.min(size, this.length - offset));
    const { memory } = this.#machine;
    const bytes = new Uint8Array(size);
    if (linear) bytes.set(memory.read(this.data + BigInt(offset), linear));
    const from = offset + linear - this.length;
    if (linear < size) bytes.set(this.#fragment.subarray(from, from + size - linear), linear);
    return bytes;
  }

  /** A number of 16 bits of the packet in the host's byte order; undefined: beyond its end. */
  hostU16(offset: number): number | undefined {
    const bytes = this.copyBits(offset, 2);
    if (!bytes) return undefined;
    return this.#machine.byteOrder === "big" ? (bytes[0] << 8) | bytes[1] : bytes[0] | (bytes[1] << 8);
  }

  /** Offsets from data: skb_network_offset(), skb_mac_offset(). */
  get networkOffset(): number {
    return this.#headerOffset("network_header");
  }

  get macOffset(): number {
    return this.#headerOffset("mac_header");
  }

  #headerOffset(header: string): number {
    return Number(this.get("head") + this.get(header) - this.data);
  }

  /** Set what a program reads as that member of struct __sk_buff. Throws RangeError for one that cannot be set. */
  setContext(name: string, value: bigint): void {
    const { memory, layout } = this.#machine;
    switch (name) {
      case "ifindex":
        return memory.store(this.#device + BigInt(offsetOf(layout.structs, "net_device.ifindex")), 4, value);
      case "hatype":
        return memory.store(this.#device + BigInt(offsetOf(layout.structs, "net_device.type")), 2, value);
      case "wire_len":
        return memory.store(this.#inControlBlock("qdisc_skb_cb.pkt_len"), 4, value);
      case "tc_classid":
        return memory.store(this.#inControlBlock("qdisc_skb_cb.tc_classid"), 2, value);
      case "vlan_present":
        return this.#setVlanPresent(value);
      case "ingress_ifindex":
        return this.set("skb_iif", value);
      case "gso_segs":
      case "gso_size":
      case "hwtstamp":
        return this.#setShared(name, value);
    }
    this.set(name, value);
  }

  /** A bit of its own, or since 6.2 (354259fa73e2) whether vlan_all, protocol and tag, is not 0. */
  #setVlanPresent(value: bigint): void {
    if (this.#machine.layout.structs.sk_buff?.members.vlan_present !== undefined)
      return this.set("vlan_present", value);
    const present = (value & 1n) !== 0n;
    if (!present) this.set("vlan_tci", 0n);
    if (!present || this.get("vlan_proto") === 0n) this.set("vlan_proto", present ? ETH_P_8021Q : 0n);
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
