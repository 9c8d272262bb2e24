import type { Insn } from "../../../bpf/insn.ts";
import { BPF_MOD, isX, opOf } from "../../../bpf/opcode.ts";
import { DIV, IDIV, opRegReg, signExtendRax, unary, XOR } from "../encode/alu.ts";
import { pop, push } from "../encode/control.ts";
import { movRegReg, movRegSimm32 } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX, RAX, RDX } from "../regs.ts";
import { move } from "./move.ts";

/**
 * dst /= src or dst %= src through rdx:rax, which are saved unless they are the destination; off 1: signed. Division by
 * zero and INT_MIN / -1 are guarded by the verifier's rewrites, not here.
 */
export function divide(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
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

function copy(f: Fn, w: boolean, dst: number, src: number): void {
  if (w) move(f, dst, src);
  else movRegReg(f.c, false, dst, src);
}
