import type { InsnFlags } from "../bpf/image.ts";

/** Code of a kernel function that is modelled by real instructions. */
export interface KernelCode {
  bytes: Uint8Array;
  starts: number[];
  flags: InsnFlags[];
}

/**
 * One instruction: hex bytes and what it does to control and stack. With a label it is a jump whose 8-bit displacement is still to come; "label:"
 * without bytes is the place that it goes to.
 */
export type Line = [hex: string, flags?: InsnFlags, label?: string];

/** Instructions put together. */
export function machineCode(...lines: Line[]): KernelCode {
  const bytes: number[] = [];
  const starts: number[] = [];
  const flags: InsnFlags[] = [];
  const places = new Map<string, number>();
  const jumps: { end: number; label: string }[] = [];
  for (const [hex, flag = 0, label] of lines) {
    if (label?.endsWith(":")) {
      places.set(label.slice(0, -1), bytes.length);
      continue;
    }
    starts.push(bytes.length);
    flags.push(flag);
    bytes.push(...Buffer.from(hex.replaceAll(" ", ""), "hex"));
    if (label) jumps.push({ end: bytes.push(0), label });
  }
  for (const { end, label } of jumps) bytes[end - 1] = (places.get(label)! - end) & 0xff;
  return { bytes: Uint8Array.from(bytes), starts, flags };
}
