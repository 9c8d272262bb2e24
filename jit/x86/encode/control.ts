import { FLOW_CALL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RET, STACK_PUSH, STACK_UP } from "../../../bpf/image.ts";
import type { Code } from "../code.ts";
import { rex } from "./rex.ts";

export function push(c: Code, reg: number): void {
  c.insn(STACK_PUSH);
  rex(c, false, 0, reg);
  c.u8(0x50 | (reg & 7));
}

/** push imm8, sign-extended to 64 bits */
export function pushImm8(c: Code, imm: number): void {
  c.insn(STACK_PUSH);
  c.u8(0x6a);
  c.u8(imm);
}

export function pop(c: Code, reg: number): void {
  c.insn(STACK_UP);
  rex(c, false, 0, reg);
  c.u8(0x58 | (reg & 7));
}

export function leave(c: Code): void {
  c.insn(STACK_UP);
  c.u8(0xc9);
}

export function ret(c: Code): void {
  c.insn(FLOW_RET | STACK_UP);
  c.u8(0xc3);
}

/** ret as the end of a retpoline: a jump to what lies on top of the stack */
export function jumpByRet(c: Code): void {
  c.insn(FLOW_INDIRECT | STACK_UP);
  c.u8(0xc3);
}

export function pause(c: Code): void {
  c.insn();
  c.u16(0x90f3);
}

export function int3(c: Code): void {
  c.insn();
  c.u8(0xcc);
}

/** ibhf: rep and REX.W are part of it */
export function branchHistoryFence(c: Code): void {
  c.insn();
  c.u32(0x1e0f48f3); // f3 48 0f 1e f8
  c.u8(0xf8);
}

export function ud2(c: Code): void {
  c.insn();
  c.u16(0x0b0f);
}

export function endbr64(c: Code): void {
  c.insn();
  c.u32(0xfa1e0ff3); // f3 0f 1e fa
}

export function lfence(c: Code): void {
  c.insn();
  c.u8(0x0f);
  c.u16(0xe8ae);
}

/** call rel32, relative to the end of the instruction */
export function call(c: Code, rel: number): void {
  c.insn(FLOW_DIRECT | FLOW_CALL | STACK_PUSH);
  c.u8(0xe8);
  c.u32(rel);
}

/** call reg */
export function callReg(c: Code, reg: number): void {
  c.insn(FLOW_INDIRECT | FLOW_CALL | STACK_PUSH);
  rex(c, false, 0, reg);
  c.u8(0xff);
  c.u8(0xd0 | (reg & 7));
}

/** jmp rel32 */
export function jmp32(c: Code, rel: number): void {
  c.insn(FLOW_DIRECT);
  c.u8(0xe9);
  c.u32(rel);
}

/** jmp rel8 */
export function jmp8(c: Code, rel: number): void {
  c.insn(FLOW_DIRECT);
  c.u8(0xeb);
  c.u8(rel);
}

/** jmp reg */
export function jmpReg(c: Code, reg: number): void {
  c.insn(FLOW_INDIRECT);
  rex(c, false, 0, reg);
  c.u8(0xff);
  c.u8(0xe0 | (reg & 7));
}

/** Condition codes: opcode of the short form; the long one is 0F and 0x10 more. */
export const JB = 0x72;
export const JAE = 0x73;
export const JE = 0x74;
export const JNE = 0x75;
export const JBE = 0x76;
export const JA = 0x77;
export const JL = 0x7c;
export const JGE = 0x7d;
export const JLE = 0x7e;
export const JG = 0x7f;

/** jcc rel8 */
export function jcc8(c: Code, cond: number, rel: number): void {
  c.insn(FLOW_DIRECT);
  c.u8(cond);
  c.u8(rel);
}

/** jcc rel32 */
export function jcc32(c: Code, cond: number, rel: number): void {
  c.insn(FLOW_DIRECT);
  c.u8(0x0f);
  c.u8(cond + 0x10);
  c.u32(rel);
}

/** A short forward jump whose target is not known yet: emit, then land(). */
export function jccForward(c: Code, cond: number): number {
  jcc8(c, cond, 0);
  return c.pos;
}

/** The jump that ended at `from` comes here. */
export function land(c: Code, from: number): void {
  c.bytes[from - 1] = c.pos - from;
}

/** The rel32 jump that ended at `from` comes here. */
export function land32(c: Code, from: number): void {
  const here = c.pos;
  c.pos = from - 4;
  c.u32(here - from);
  c.pos = here;
}

/** sub rsp, imm32: the long form whatever the value */
export function subRsp(c: Code, bytes: number): void {
  c.insn();
  c.u8(0x48);
  c.u16(0xec81);
  c.u32(bytes);
}

/** add rsp, imm32: the long form whatever the value */
export function addRsp(c: Code, bytes: number): void {
  c.insn(STACK_UP);
  c.u8(0x48);
  c.u16(0xc481);
  c.u32(bytes);
}

const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];
const NOP_MAX = 8;

/** `length` bytes of nops, as few instructions as possible (asm/nops.h, P6 forms; ASM_NOP_MAX 8). */
export function nops(c: Code, length: number): void {
  for (let left = length; left > 0; ) {
    const size = Math.min(left, NOP_MAX);
    c.insn();
    for (const byte of NOPS[size]) c.u8(byte);
    left -= size;
  }
}
