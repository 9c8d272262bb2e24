import { PROG_TYPE_SCHED_CLS, PROG_TYPE_SOCKET_FILTER, PROG_TYPE_XDP } from "../../bpf/program.ts";
import { SkBuff } from "../../emulator/context/skb.ts";
import { XdpBuff } from "../../emulator/context/xdp.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { Context } from "../scenario/scenario.ts";

/** Packet of a run that doesn't say: 64 bytes, each its own index. */
const DEFAULT_PACKET = Uint8Array.from({ length: 64 }, (_, i) => i);
/** u64 arguments of a raw tracepoint that doesn't say. */
const DEFAULT_ARGUMENTS = 12;

/** Build what a program of that type is handed; returns its address. */
export function buildContext(kernel: Kernel, type: number, context: Context | undefined): bigint {
  const { machine } = kernel;
  if (context?.kind === "args" || !isPacketType(type)) {
    const args = context?.kind === "args" ? context.args : new Array(DEFAULT_ARGUMENTS).fill(0n);
    const address = machine.heap.take(8 * Math.max(1, args.length), 64);
    args.forEach((arg, i) => {
      machine.memory.store(address + BigInt(8 * i), 8, arg);
    });
    return address;
  }
  const data = context?.data.length ? context.data : DEFAULT_PACKET;
  if (type === PROG_TYPE_XDP) return new XdpBuff(machine, data).address;
  const skb = new SkBuff(machine, data, type);
  for (const { name, value } of context?.fields ?? []) skb.setContext(name, value);
  kernel.skb = skb;
  return skb.address;
}

const isPacketType = (type: number): boolean =>
  type === PROG_TYPE_SCHED_CLS || type === PROG_TYPE_SOCKET_FILTER || type === PROG_TYPE_XDP;
