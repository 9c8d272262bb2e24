import type { Insn } from "../insn.ts";
import {
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  CALL,
  classOf,
  EXIT,
  JA,
  JA32,
  JX,
  MAY_GOTO,
  opOf,
} from "../opcode.ts";
import { jumpOperator } from "../syntax.ts";
import { isWideAt, secondSlots } from "./wide.ts";

type Fail = (slot: number, reason: string) => never;

interface Functions {
  kernelInternal: boolean;
  functions: readonly { start: number }[];
}

/** Functions start where they are called; jumps stay in their function, and no function runs into the next (check_subprogs). */
export function checkFlow(insns: readonly Insn[], options: Functions, fail: Fail): void {
  const second = secondSlots(insns);
  const starts = functionStarts(insns, second, options, fail);
  starts.forEach((start, i) => {
    const end = starts[i + 1] ?? insns.length;
    for (let slot = start; slot < end; slot++) {
      const distance = second[slot] ? undefined : jumpDistance(insns[slot]);
      if (distance === undefined) continue;
      const target = slot + 1 + distance;
      if (target < 0 || target >= insns.length) fail(slot, `a jump to slot ${target}, out of the program`);
      if (target < start || target >= end)
        fail(slot, `a jump to slot ${target}, out of its function (${start} to ${end - 1})`);
      if (second[target]) fail(slot, `a jump to slot ${target}, into a 64-bit load`);
    }
    const last = insns[end - 1];
    const ends = !second[end - 1] && [EXIT, JA, JA32, JX].includes(last.code);
    if (!ends)
      fail(end - 1, `the function at slot ${start} runs off its end: its last instruction is no exit and no goto`);
  });
}

function functionStarts(insns: readonly Insn[], second: Uint8Array, options: Functions, fail: Fail): number[] {
  const starts = new Set([0]);
  const add = (slot: number, start: number, what: string) => {
    if (start < 0 || start >= insns.length) fail(slot, `${what} slot ${start}, out of the program`);
    if (second[start]) fail(slot, `${what} slot ${start}, in a 64-bit load`);
    starts.add(start);
  };
  for (const { start } of options.functions)
    add(Math.max(0, Math.min(start, insns.length - 1)), start, "a function at");
  insns.forEach((insn, slot) => {
    const isCall = insn.code === CALL && insn.src === BPF_PSEUDO_CALL;
    const isAddress = !second[slot] && isWideAt(insns, slot) && insn.src === BPF_PSEUDO_FUNC;
    if (!isCall && !isAddress) return;
    const what = isCall ? "a call of" : "the address of";
    if (!options.kernelInternal) add(slot, slot + 1 + insn.imm, what);
    else if (!options.functions[insn.imm]) fail(slot, `${what} function ${insn.imm} of ${options.functions.length}`);
  });
  return [...starts].sort((a, b) => a - b);
}

/** How far an instruction jumps; undefined where it does not, or where only a register knows. */
function jumpDistance({ code, off, imm }: Insn): number | undefined {
  if (code === JA32) return imm;
  if (code === JA || code === MAY_GOTO) return off;
  const isJump = classOf(code) === BPF_JMP || classOf(code) === BPF_JMP32;
  return isJump && jumpOperator(opOf(code)) !== undefined ? off : undefined;
}
