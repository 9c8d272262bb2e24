import type { Insn } from "../../../bpf/insn.ts";
import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  classOf,
  isX,
  opOf,
} from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import { CMP, opRegImm, opRegReg, TEST, testRegImm } from "../encode/alu.ts";
import { JA, JAE, JB, JBE, JE, JG, JGE, JL, JLE, JNE, jcc8, jcc32, jmp8, jmp32, nops } from "../encode/control.ts";
import type { Fn } from "../fn.ts";

const CONDITIONS: Record<number, number> = {
  [BPF_JEQ]: JE,
  [BPF_JNE]: JNE,
  [BPF_JSET]: JNE,
  [BPF_JGT]: JA,
  [BPF_JLT]: JB,
  [BPF_JGE]: JAE,
  [BPF_JLE]: JBE,
  [BPF_JSGT]: JG,
  [BPF_JSLT]: JL,
  [BPF_JSGE]: JGE,
  [BPF_JSLE]: JLE,
};

const isShort = (f: Fn, rel: number): boolean => rel >= -128 && rel <= f.profile.features.shortJumpMax;

/** Bytes by which slot's code was larger in the previous pass than what has been emitted for it now (INSN_SZ_DIFF). */
function shrinkage(f: Fn, slot: number): number {
  return f.ends[slot + 1] - f.c.pos;
}

/** Nops in place of bytes that a padded pass must not lose; `allowed` are the differences that can arise. */
function pad(f: Fn, slot: number, room: number, allowed: readonly number[]): void {
  if (!f.padding) return;
  const count = shrinkage(f, slot) - room;
  if (!allowed.includes(count)) throw new JitError(`${f.input.name}: unexpected jump padding of ${count} bytes`, slot);
  nops(f.c, count);
}

/** Displacement of a jump from the end of `slot`'s code to the start of the code of slot + 1 + off, in bytes. */
export function distance(f: Fn, slot: number, off: number): number {
  const target = slot + 1 + off;
  if (target < 0 || target >= f.ends.length) throw new JitError(`${f.input.name}: jump out of range`, slot);
  return f.ends[target] - f.ends[slot + 1];
}

/** Conditional jump: compare or test, then jcc. dst and src are x86 registers. */
export function lowerCondJump(f: Fn, insn: Insn, dst: number, src: number, slot: number): void {
  const { c } = f;
  const w = classOf(insn.code) === BPF_JMP;
  const op = opOf(insn.code);
  const cond = CONDITIONS[op];
  if (cond === undefined) throw new JitError(`${f.input.name}: unknown opcode 0x${insn.code.toString(16)}`, slot);
  if (isX(insn.code)) opRegReg(c, op === BPF_JSET ? TEST : CMP, w, dst, src);
  else if (op === BPF_JSET) testRegImm(c, w, dst, insn.imm);
  else if (insn.imm === 0 && f.profile.features.testZero) opRegReg(c, TEST, w, dst, dst);
  else opRegImm(c, CMP, w, dst, insn.imm, false);

  const rel = distance(f, slot, insn.off);
  if (isShort(f, rel)) {
    pad(f, slot, 2, [0, 4]);
    jcc8(c, cond, rel);
  } else jcc32(c, cond, rel);
}

/** Jump by `off` slots; a jump to the next instruction is left out, or padded. */
export function lowerJump(f: Fn, off: number, slot: number): void {
  // a jump to itself is known to be two bytes long
  const rel = off === -1 ? -2 : distance(f, slot, off);
  if (rel === 0) return pad(f, slot, 0, [0, 2, 5]);
  jumpBy(f, rel, slot);
}

/** jmp, short where it fits */
export function jumpBy(f: Fn, rel: number, slot: number): void {
  if (isShort(f, rel)) {
    pad(f, slot, 2, [0, 3]);
    jmp8(f.c, rel);
  } else jmp32(f.c, rel);
}
