import type { Insn } from "../../../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_PROBE_ATOMIC,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
  bytesOf,
  modeOf,
  sizeOf,
} from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import { ADD, AND, OR, opRegReg, type RegOp, XOR } from "../encode/alu.ts";
import { JNE, jcc8 } from "../encode/control.ts";
import {
  atomic,
  atomicIndexed,
  CMPXCHG,
  load,
  loadIndexed,
  store,
  storeIndexed,
  XADD,
  XCHG,
} from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX, AX, R12, RAX } from "../regs.ts";
import { mayFault } from "./memory.ts";
import { move } from "./move.ts";

/** imm of the instruction -> opcode of the one x86 instruction that does it */
const OPCODES: Record<number, number> = {
  [BPF_ADD]: ADD,
  [BPF_AND]: AND,
  [BPF_OR]: OR,
  [BPF_XOR]: XOR,
  [BPF_ADD | BPF_FETCH]: XADD,
  [BPF_XCHG]: XCHG,
  [BPF_CMPXCHG]: CMPXCHG,
};

/** imm -> operation of the ones that need a loop around cmpxchg */
const LOOPS: Record<number, RegOp> = {
  [BPF_AND | BPF_FETCH]: AND,
  [BPF_OR | BPF_FETCH]: OR,
  [BPF_XOR | BPF_FETCH]: XOR,
};

/** BPF_ATOMIC and, in an arena, BPF_PROBE_ATOMIC. dst and src are x86 registers. */
export function lowerAtomic(f: Fn, insn: Insn, dst: number, src: number, slot: number): void {
  const { c } = f;
  const w = sizeOf(insn.code) === BPF_DW;
  const probe = modeOf(insn.code) === BPF_PROBE_ATOMIC;
  const bytes = bytesOf(insn.code);
  const start = c.pos;
  if (insn.imm === BPF_LOAD_ACQ) {
    // x86 loads and stores are ordered as they are
    if (!probe) return load(c, bytes, dst, src, insn.off);
    loadIndexed(c, bytes, dst, src, R12, insn.off);
    return mayFault(f, start, dst);
  }
  if (insn.imm === BPF_STORE_REL) {
    if (!probe) return store(c, bytes, dst, insn.off, src);
    storeIndexed(c, bytes, dst, R12, insn.off, src);
    return mayFault(f, start);
  }
  if (bytes < 4) throw new JitError(`${f.input.name}: atomics of 1 and 2 bytes only load and store`, slot);
  const loop = LOOPS[insn.imm];
  if (loop !== undefined && !probe) return f.lower.fetchLoop(f, loop, w, bytes, dst, src, insn.off);
  const opcode = OPCODES[insn.imm];
  if (opcode === undefined) throw new JitError(`${f.input.name}: unknown atomic 0x${insn.imm.toString(16)}`, slot);
  const lock = opcode !== XCHG || f.profile.features.lockXchg;
  if (!probe) return atomic(c, opcode, w, dst, insn.off, src, lock);
  atomicIndexed(c, opcode, w, dst, R12, insn.off, src, lock);
  mayFault(f, start);
}

/** src = fetch-and-op: r10 keeps rax, which cmpxchg needs; try until nobody was faster. */
export function fetchLoop(f: Fn, op: RegOp, w: boolean, bytes: number, dst: number, src: number, off: number): void {
  const { c } = f;
  const base = dst === RAX ? AX : dst;
  const operand = src === RAX ? AX : src;
  move(f, AX, RAX);
  const again = c.pos;
  load(c, bytes, RAX, base, off);
  movRegReg(c, w, AUX, RAX);
  opRegReg(c, op, w, AUX, operand);
  atomic(c, CMPXCHG, w, base, off, AUX);
  jcc8(c, JNE, again - (c.pos + 2));
  if (w) move(f, operand, RAX);
  else movRegReg(c, false, operand, RAX);
  move(f, RAX, AX);
}
