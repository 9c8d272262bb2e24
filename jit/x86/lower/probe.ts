import { CMP, opRegReg, SUB } from "../encode/alu.ts";
import { JA, JAE, JB, jccForward, jmp8, land } from "../encode/control.ts";
import { load, loadSigned } from "../encode/memory.ts";
import { movabs, movRegReg } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX, AX } from "../regs.ts";
import { mayFault } from "./memory.ts";
import { loadImm32, loadImm64, move } from "./move.ts";

const PAGE_SIZE = 4096n;
/** arch/x86/include/uapi/asm/vsyscall.h */
const VSYSCALL_ADDR = 0xffffffffff600000n;

/**
 * BPF_PROBE_MEM: a load through a pointer that may be anything. What is no kernel address reads as zero without an access;
 * what faults reads as zero through the exception table.
 */
export function probeLoad(f: Fn, bytes: number, signed: boolean, dst: number, src: number, off: number): void {
  const { c } = f;
  const { probeMem } = f.profile.features;
  if (probeMem === "unchecked") return faultingLoad(f, bytes, signed, dst, src, off);
  const toLoad = probeMem === "vsyscall" ? checkVsyscall(f, src, off) : checkLimit(f, src, off);
  loadImm32(f, false, dst, 0);
  jmp8(c, 0);
  const toEnd = c.pos;
  land(c, toLoad);
  faultingLoad(f, bytes, signed, dst, src, off);
  land(c, toEnd);
}

function faultingLoad(f: Fn, bytes: number, signed: boolean, dst: number, src: number, off: number): void {
  const start = f.c.pos;
  if (signed) loadSigned(f.c, bytes, dst, src, off);
  else load(f.c, bytes, dst, src, off);
  mayFault(f, start, dst);
}

/** src + off above user space and below the vsyscall page, in one unsigned comparison; returns the jump to the load. */
function checkVsyscall(f: Fn, src: number, off: number): number {
  const { c } = f;
  loadImm64(f, AX, VSYSCALL_ADDR);
  move(f, AUX, src);
  if (off) addImm32(f, AUX, off);
  opRegReg(c, SUB, true, AUX, AX);
  loadImm64(f, AX, BigInt.asUintN(64, f.profile.features.taskSizeMax + PAGE_SIZE - VSYSCALL_ADDR));
  opRegReg(c, CMP, true, AUX, AX);
  return jccForward(c, JA);
}

/** src above user space by at least |off|, and src + off does not wrap; returns the jump to the load. */
function checkLimit(f: Fn, src: number, off: number): number {
  const { c } = f;
  const limit = f.profile.features.taskSizeMax + PAGE_SIZE + BigInt(Math.abs(off));
  movabs(c, AUX, Number(BigInt.asIntN(32, limit)), Number(BigInt.asIntN(32, limit >> 32n)));
  opRegReg(c, CMP, true, src, AUX);
  const below = jccForward(c, JB);
  movRegReg(c, true, AUX, src);
  addImm32(f, AUX, off);
  const noCarry = jccForward(c, JAE);
  land(c, below);
  return noCarry;
}

/** add reg, imm32: the long form whatever the value */
function addImm32(f: Fn, reg: number, imm: number): void {
  const { c } = f;
  c.insn();
  c.u8(0x48 | (reg >> 3));
  c.u8(0x81);
  c.u8(0xc0 | (reg & 7));
  c.u32(imm);
}
