import type { Insn } from "../bpf/insn.ts";
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_TAIL_CALL, BPF_X, classOf, opOf } from "../bpf/opcode.ts";
import { JitError } from "./error.ts";
import type { JitFunction } from "./function.ts";

/**
 * The function with some instructions replaced by several (bpf_patch_insn_single); undefined: the instruction stays. What
 * stands for a jump or call must end with it. Jumps inside a replacement stay as they are: they may go to its end. Throws
 * JitError when a jump gets out of reach.
 */
export function replaceInsns(fn: JitFunction, replace: (insn: Insn, slot: number) => Insn[] | undefined): JitFunction {
  const out: Insn[] = [];
  const origin: number[] = [];
  /** slot -> first slot of what it became */
  const moved = new Int32Array(fn.insns.length + 1);
  /** slot -> the slot that does its work now (jump, call) */
  const last = new Int32Array(fn.insns.length);
  fn.insns.forEach((from, slot) => {
    moved[slot] = out.length;
    out.push(...(replace(from, slot) ?? [{ ...from }]));
    last[slot] = out.length - 1;
    const was = fn.origin?.[slot] ?? slot;
    while (origin.length < out.length) origin.push(was);
  });
  moved[fn.insns.length] = out.length;
  for (const [slot, from] of fn.insns.entries()) retarget(fn, out, from, slot, moved, last);
  const calls = new Map([...fn.calls].map(([slot, target]) => [last[slot], target]));
  const removed = new Map([...fn.removed].map(([slot, to]) => [last[slot], moved[slot + 1 + to] - last[slot] - 1]));
  return { ...fn, insns: out, calls, removed, origin: Int32Array.from(origin) };
}

/** Give a jump its new distance. */
function retarget(fn: JitFunction, out: Insn[], from: Insn, slot: number, moved: Int32Array, last: Int32Array): void {
  const cls = classOf(from.code);
  if ((cls !== BPF_JMP && cls !== BPF_JMP32) || from.code === (BPF_JMP | BPF_JA | BPF_X)) return;
  const op = opOf(from.code);
  if (op === BPF_CALL || op === BPF_EXIT || op === BPF_TAIL_CALL) return;
  const long = from.code === (BPF_JMP32 | BPF_JA);
  const distance = moved[slot + 1 + (long ? from.imm : from.off)] - last[slot] - 1;
  if (long) out[last[slot]].imm = distance;
  else if (distance !== (distance << 16) >> 16) throw new JitError(`${fn.name}: a jump gets out of reach`, slot);
  else out[last[slot]].off = distance;
}
