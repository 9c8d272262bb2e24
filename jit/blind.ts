import type { Insn } from "../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_CALL,
  BPF_DIV,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LSH,
  BPF_MEM,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_OR,
  BPF_PSEUDO_FUNC,
  BPF_REG_AX,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_TAIL_CALL,
  BPF_X,
  BPF_XOR,
  classOf,
  isX,
  LD_IMM64,
  modeOf,
  opOf,
} from "../bpf/opcode.ts";
import { JitError } from "./error.ts";
import type { JitFunction } from "./function.ts";

/** Operations whose immediate a user controls; shift counts are too small to matter. */
const BLINDED_ALU = new Set([BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL, BPF_MOV, BPF_DIV, BPF_MOD]);
const NOT_CONDITIONAL = new Set([BPF_JA, BPF_CALL, BPF_EXIT, BPF_TAIL_CALL]);

const insn = (code: number, dst: number, src: number, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });

/** AX = imm, written as (imm ^ random) ^ random; cls is BPF_ALU or BPF_ALU64. */
function hide(cls: number, imm: number, random: number): Insn[] {
  return [insn(cls | BPF_MOV, BPF_REG_AX, 0, 0, random ^ imm), insn(cls | BPF_XOR, BPF_REG_AX, 0, 0, random | 0)];
}

/**
 * What one slot becomes (bpf_jit_blind_insn); undefined: it stays. `low` is the first half of the LD_IMM64 whose second half
 * this is. Draws at most one random number.
 */
function blindSlot(
  from: Insn,
  next: Insn | undefined,
  low: Insn | undefined,
  random: () => number,
): Insn[] | undefined {
  if (low) return [...hide(BPF_ALU, low.imm, random()), insn(BPF_ALU64 | BPF_OR | BPF_X, low.dst, BPF_REG_AX)];
  const { code, dst, off, imm } = from;
  const cls = classOf(code);
  if (code === LD_IMM64)
    return [
      ...hide(BPF_ALU64, next!.imm, random()),
      insn(BPF_ALU64 | BPF_LSH, BPF_REG_AX, 0, 0, 32),
      insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, BPF_REG_AX),
    ];
  if (isX(code) && cls !== BPF_ST) return undefined;
  switch (cls) {
    case BPF_ALU:
    case BPF_ALU64:
      if (!BLINDED_ALU.has(opOf(code))) return undefined;
      if (opOf(code) === BPF_MOV && imm === 0) return [insn(BPF_ALU64 | BPF_XOR | BPF_X, dst, dst)];
      return [...hide(cls, imm, random()), insn(code | BPF_X, dst, BPF_REG_AX, off)];
    case BPF_JMP:
    case BPF_JMP32:
      if (NOT_CONDITIONAL.has(opOf(code))) return undefined;
      return [...hide(cls === BPF_JMP ? BPF_ALU64 : BPF_ALU, imm, random()), insn(code | BPF_X, dst, BPF_REG_AX, off)];
    case BPF_ST:
      if (modeOf(code) !== BPF_MEM) return undefined;
      return [...hide(BPF_ALU64, imm, random()), insn((code & ~7) | BPF_STX, dst, BPF_REG_AX, off)];
  }
  return undefined;
}

/**
 * Constant blinding (bpf_jit_blind_constants, kernel/bpf/core.c): every immediate that a user could choose is loaded through
 * AX as two halves whose xor it is. `random` gives u32. Instructions that already use AX (verifier rewrites) stay as they are.
 */
export function blindConstants(fn: JitFunction, random: () => number): JitFunction {
  const out: Insn[] = [];
  /** slot -> first slot of what it became */
  const moved = new Int32Array(fn.insns.length + 1);
  /** slot -> the slot that does its work now (jump, call) */
  const last = new Int32Array(fn.insns.length);
  let low: Insn | undefined;
  let keep = false;
  fn.insns.forEach((from, slot) => {
    moved[slot] = out.length;
    const secondHalf = low;
    low = undefined;
    let to: Insn[] | undefined;
    if (keep) keep = false;
    else if (from.code === LD_IMM64 && from.src === BPF_PSEUDO_FUNC) keep = true;
    else if (secondHalf || !usesAx(from)) {
      to = blindSlot(from, fn.insns[slot + 1], secondHalf, random);
      if (from.code === LD_IMM64) low = from;
    }
    out.push(...(to ?? [{ ...from }]));
    last[slot] = out.length - 1;
  });
  moved[fn.insns.length] = out.length;
  for (const [slot, from] of fn.insns.entries()) retarget(fn, out, from, slot, moved, last);
  const calls = new Map([...fn.calls].map(([slot, target]) => [last[slot], target]));
  const removed = new Map<number, number>();
  for (const [slot, distance] of fn.removed) {
    removed.set(last[slot], moved[slot + 1 + distance] - last[slot] - 1);
    if (fn.insns[slot].code === LD_IMM64) out[last[slot]].imm = removed.get(last[slot])!;
  }
  return { ...fn, insns: out, calls, removed };
}

const usesAx = (from: Insn): boolean => from.dst === BPF_REG_AX || from.src === BPF_REG_AX;

/** Give a jump its new distance. */
function retarget(fn: JitFunction, out: Insn[], from: Insn, slot: number, moved: Int32Array, last: Int32Array): void {
  const cls = classOf(from.code);
  if ((cls !== BPF_JMP && cls !== BPF_JMP32) || from.code === (BPF_JMP | BPF_JA | BPF_X)) return;
  const op = opOf(from.code);
  if (op === BPF_CALL || op === BPF_EXIT || op === BPF_TAIL_CALL) return;
  const long = from.code === (BPF_JMP32 | BPF_JA);
  const distance = moved[slot + 1 + (long ? from.imm : from.off)] - last[slot] - 1;
  if (long) out[last[slot]].imm = distance;
  else if (distance !== (distance << 16) >> 16)
    throw new JitError(`${fn.name}: blinding moves a jump out of reach`, slot);
  else out[last[slot]].off = distance;
}
