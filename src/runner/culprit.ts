import { FLOW_DIRECT } from "../../bpf/image.ts";
import type { Machine } from "../../emulator/machine.ts";
import { jumpTarget } from "../../emulator/marks.ts";

/** Bytes that a thunk of the kernel takes at most. */
const THUNK = 64n;

/**
 * The instruction of a compiled function that is to blame for what happened at `pc`: itself or, where that is in a thunk of the
 * kernel (a retpoline, a return thunk), the jump or call by which the function that ran last got there.
 */
export function culprit(machine: Machine, pc: bigint): bigint {
  const last = machine.events.lastInFunction;
  const at = machine.functionAt(pc) || last === undefined ? undefined : machine.functionAt(last);
  if (!at) return pc;
  const { address, bytes, starts, flags } = at.func.image;
  const ways = starts.filter((start, i) => {
    const target = flags[i] & FLOW_DIRECT ? jumpTarget(bytes, start, starts[i + 1] ?? bytes.length) : undefined;
    const into = target === undefined ? -1n : pc - (address + BigInt(target));
    return into >= 0n && into < THUNK;
  });
  const way = ways.find((start) => start >= at.offset) ?? ways.at(-1);
  return way === undefined ? pc : address + BigInt(way);
}
