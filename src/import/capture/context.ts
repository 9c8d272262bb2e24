import { PROG_TYPE_RAW_TRACEPOINT, PROG_TYPE_XDP } from "../../../bpf/program.ts";
import { SkBuff } from "../../../emulator/context/skb.ts";
import { XdpBuff } from "../../../emulator/context/xdp.ts";
import type { Kernel } from "../../../emulator/kernel.ts";

/** What BPF_PROG_TEST_RUN hands to a program. */
export interface RunContext {
  address: bigint;
  /** data_out: the packet as the program left it */
  packet?(): Uint8Array;
}

/** data_in of the captures' runs */
export const packetOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

/** Context words of a raw tracepoint in the captures' runs. */
const RAW_TP_WORDS = 12;
const RAW_TP_STEP = 0x1111111111111111n;

const ETH_HLEN = 14;

/** Build the context of a run: a packet of `length` bytes, or twelve words for a raw tracepoint. */
export function runContext(kernel: Kernel, type: number, length: number): RunContext {
  const { machine } = kernel;
  if (type === PROG_TYPE_RAW_TRACEPOINT) {
    const address = machine.heap.take(8 * RAW_TP_WORDS, 64);
    for (let k = 0; k < RAW_TP_WORDS; k++)
      machine.memory.store(address + BigInt(8 * k), 8, BigInt.asUintN(64, RAW_TP_STEP * BigInt(k + 1)));
    return { address };
  }
  if (type === PROG_TYPE_XDP) return new XdpBuff(machine, packetOf(length));
  const skb = new SkBuff(machine, packetOf(length), type);
  kernel.skb = skb;
  const hidden = length - skb.length;
  return {
    address: skb.address,
    // where the program did not see the Ethernet header, user space gets zeros for it
    packet: () => Uint8Array.from([...new Uint8Array(Math.min(hidden, ETH_HLEN)), ...skb.packet()]),
  };
}
