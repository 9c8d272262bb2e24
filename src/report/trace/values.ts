import type { MemoryWrite, RegisterChange, TracedStep } from "../../runner/trace/step.ts";

const FLAGS: readonly [bit: number, name: string][] = [
  [0x1, "CF"],
  [0x4, "PF"],
  [0x10, "AF"],
  [0x40, "ZF"],
  [0x80, "SF"],
  [0x800, "OF"],
];

/** Arithmetic flags that changed, and what they are now: "ZF=1 PF=1" */
export function flagsText({ old, now }: NonNullable<TracedStep["flags"]>): string {
  return FLAGS.filter(([bit]) => (old ^ now) & bit)
    .map(([bit, name]) => `${name}=${now & bit ? 1 : 0}`)
    .join(" ");
}

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** "rsp -0x8", "rax 0x1 -> 0x2", "rdi 0x0 -> 0xffff888100088308 &counter[0]" */
export function registerText({ name, old, now, means }: RegisterChange): string {
  if (name === "rsp") return `rsp ${now < old ? "-" : "+"}${hex(now < old ? old - now : now - old)}`;
  return `${name} ${hex(old)} -> ${hex(now)}${means === undefined ? "" : ` ${means}`}`;
}

/** "[tcc_ptr] 0x0 -> 0x21", "*(u32 *)0xffff888100000000 0x0 -> 0x1" */
export function writeText({ address, size, old, now, place, means }: MemoryWrite): string {
  const type = `u${8 * size}`;
  const where = place === undefined ? `*(${type} *)${hex(address)}` : `[${place}]${size === 8 ? "" : ` ${type}`}`;
  const value = `${hex(now)}${means === undefined ? "" : ` ${means}`}`;
  if (old === now) return `${where} ${value}, as before`;
  return `${where} ${old === undefined ? "" : `${hex(old)} `}-> ${value}`;
}
