import type { Insn } from "../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_CALL,
  BPF_DIV,
  BPF_EXIT,
  BPF_IND,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
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
  isPacketLoad,
  isX,
  LD_IMM64,
  modeOf,
  opOf,
  sizeOf,
} from "../bpf/opcode.ts";
import type { JitFunction } from "./function.ts";
import { replaceInsns } from "./replace.ts";

/** Operations whose immediate a user controls; shift counts are too small to matter. */
const BLINDED_ALU = new Set([BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL, BPF_MOV, BPF_DIV, BPF_MOD]);
const NOT_CONDITIONAL = new Set([BPF_JA, BPF_CALL, BPF_EXIT, BPF_TAIL_CALL]);

const insn = (code: number, dst: number, src: number, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });

/** AX = imm, written as (imm ^ random) ^ random; cls is BPF_ALU or BPF_ALU64. */
function hide(cls: number, imm: number, random: number): Insn[] {
  return [insn(cls | BPF_MOV, BPF_REG_AX, 0, 0, random ^ imm), insn(cls | BPF_XOR, BPF_REG_AX, 0, 0, random | 0)];
}

/** LD_ABS and LD_IND, where they get this far (before 4.18): the offset through AX */
function blindPacketLoad({ code, src, imm }: Insn, random: number): Insn[] {
  const load = insn(BPF_LD | BPF_IND | sizeOf(code), 0, BPF_REG_AX);
  const add = modeOf(code) === BPF_IND ? [insn(BPF_ALU | BPF_ADD | BPF_X, BPF_REG_AX, src)] : [];
  return [...hide(BPF_ALU64, imm, random), ...add, load];
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
  if (isPacketLoad(code)) return blindPacketLoad(from, random());
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
  let low: Insn | undefined;
  let keep = false;
  const blinded = replaceInsns(fn, (from, slot) => {
    const secondHalf = low;
    low = undefined;
    if (keep) {
      keep = false;
      return undefined;
    }
    if (from.code === LD_IMM64 && from.src === BPF_PSEUDO_FUNC) {
      keep = true;
      return undefined;
    }
    if (!secondHalf && usesAx(from)) return undefined;
    if (from.code === LD_IMM64) low = from;
    return blindSlot(from, fn.insns[slot + 1], secondHalf, random);
  });
  for (const [slot, distance] of blinded.removed)
    if (blinded.insns[slot].code === LD_IMM64) blinded.insns[slot].imm = distance;
  return blinded;
}

/** Register 11, and 12 since 7.2. */
const isAx = (register: number): boolean => register === BPF_REG_AX || register === BPF_REG_AX + 1;
const usesAx = (from: Insn): boolean => isAx(from.dst) || isAx(from.src);
