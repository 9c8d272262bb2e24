import { offsetOf } from "../../bpf/structs.ts";
import type { Machine } from "../machine.ts";

const HEADROOM = 256n;
const PAGE_SIZE = 4096;

/** struct xdp_buff in guest memory, received on queue 0 of the loopback device. */
export class XdpBuff {
  readonly address: bigint;
  readonly data: bigint;
  readonly #machine: Machine;

  constructor(machine: Machine, packet: Uint8Array) {
    const { memory, heap, layout } = machine;
    const { structs } = layout;
    this.#machine = machine;
    const page = heap.take(PAGE_SIZE, PAGE_SIZE);
    this.data = page + HEADROOM;
    memory.write(this.data, packet);
    const device = heap.take(PAGE_SIZE, 64);
    memory.store(device + BigInt(offsetOf(structs, "net_device.ifindex")), 4, 1n);
    const queue = heap.take(128, 64);
    memory.store(queue + BigInt(offsetOf(structs, "xdp_rxq_info.dev")), 8, device);
    this.address = heap.take(128, 64);
    const set = (member: string, value: bigint): void =>
      memory.store(this.address + BigInt(offsetOf(structs, `xdp_buff.${member}`)), 8, value);
    set("data", this.data);
    set("data_end", this.data + BigInt(packet.length));
    set("data_meta", this.data);
    set("data_hard_start", page);
    set("rxq", queue);
  }

  /** The packet as the program left it. */
  packet(): Uint8Array {
    const { memory, layout } = this.#machine;
    const get = (member: string): bigint =>
      memory.load(this.address + BigInt(offsetOf(layout.structs, `xdp_buff.${member}`)), 8);
    const data = get("data");
    return memory.read(data, Number(get("data_end") - data));
  }
}
