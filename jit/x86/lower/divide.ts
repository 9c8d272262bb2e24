import type { Insn } from "../../../bpf/insn.ts";
import { BPF_MOD, isX, opOf } from "../../../bpf/opcode.ts";
import { CMP, DIV, IDIV, opRegImm, opRegReg, signExtendRax, unary, XOR } from "../encode/alu.ts";
import { JNE, jccForward, jmp32, land, pop, push } from "../encode/control.ts";
import { movRegReg, movRegSimm32 } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX, RAX, RDX } from "../regs.ts";
import { move } from "./move.ts";

/**
 * dst /= src or dst %= src through rdx:rax; off 1: signed. Division by zero and INT_MIN / -1 are guarded by the verifier's
 * rewrites, not here, except before 4.16.
 */
export function divide(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  if (f.profile.features.divide === "save-others") divideSavingOthers(f, insn, w, dst, src);
  else divideSavingBoth(f, insn, w, dst, src);
}

/** rax and rdx are saved unless they are the destination; no register is copied for nothing. */
function divideSavingOthers(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const { c } = f;
  if (dst !== RAX) push(c, RAX);
  if (dst !== RDX) push(c, RDX);
  let by = src;
  if (!isX(insn.code)) {
    movRegSimm32(c, AUX, insn.imm); // 49 c7 c3
    by = AUX;
  } else if (src === RAX || src === RDX) {
    move(f, AUX, src);
    by = AUX;
  }
  if (dst !== RAX) copy(f, w, RAX, dst);
  if (insn.off === 0) {
    opRegReg(c, XOR, false, RDX, RDX); // 31 d2
    unary(c, DIV, w, by);
  } else {
    signExtendRax(c, w);
    unary(c, IDIV, w, by);
  }
  const result = opOf(insn.code) === BPF_MOD ? RDX : RAX;
  if (dst !== result) copy(f, w, dst, result);
  if (dst !== RDX) pop(c, RDX);
  if (dst !== RAX) pop(c, RAX);
}

/** The divisor goes to r11 whatever it is, and so does the result, over the registers' restoring. */
function divideSavingBoth(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const { c } = f;
  push(c, RAX);
  push(c, RDX);
  if (isX(insn.code)) move(f, AUX, src);
  else movRegSimm32(c, AUX, insn.imm); // 49 c7 c3
  move(f, RAX, dst);
  opRegReg(c, XOR, false, RDX, RDX); // 31 d2
  if (isX(insn.code) && f.profile.features.divide === "guarded") zeroGuard(f);
  unary(c, DIV, w, AUX);
  move(f, AUX, opOf(insn.code) === BPF_MOD ? RDX : RAX);
  pop(c, RDX);
  pop(c, RAX);
  move(f, dst, AUX);
}

/** A divisor of 0 ends the program with 0. All 64 bits are compared, whatever the operation's width. */
function zeroGuard(f: Fn): void {
  const { c } = f;
  c.note("division by zero?");
  opRegImm(c, CMP, true, AUX, 0, false); // 49 83 fb 00
  const divide = jccForward(c, JNE); // 75 09
  pop(c, RDX);
  pop(c, RAX);
  c.note("yes: the program returns 0");
  opRegReg(c, XOR, false, RAX, RAX); // 31 c0
  jmp32(c, f.epilogue - (c.pos + 5)); // e9: the long form whatever the distance
  land(c, divide);
}

function copy(f: Fn, w: boolean, dst: number, src: number): void {
  if (w) move(f, dst, src);
  else movRegReg(f.c, false, dst, src);
}
