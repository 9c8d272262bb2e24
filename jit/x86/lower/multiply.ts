import type { Insn } from "../../../bpf/insn.ts";
import { isX } from "../../../bpf/opcode.ts";
import { imulRegImm, imulRegReg, MUL, unary } from "../encode/alu.ts";
import { pop, push } from "../encode/control.ts";
import { movRegReg, movRegSimm32 } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { AUX, RAX, RDX } from "../regs.ts";
import { loadImm32, move } from "./move.ts";

/** dst *= src or imm: imul since 5.16, before that through rdx:rax. */
export function multiply(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const how = f.profile.features.multiply;
  if (how === "save-both") return multiplySavingBoth(f, insn, w, dst, src);
  if (how === "save-others") return multiplySavingOthers(f, insn, w, dst, src);
  if (isX(insn.code)) imulRegReg(f.c, w, dst, src);
  else imulRegImm(f.c, w, dst, insn.imm);
}

function multiplySavingBoth(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const { c } = f;
  push(c, RAX);
  push(c, RDX);
  move(f, AUX, dst);
  if (isX(insn.code)) move(f, RAX, src);
  else movRegSimm32(c, RAX, insn.imm); // 48 c7 c0
  unary(c, MUL, w, AUX); // 49 f7 e3 or 41 f7 e3
  move(f, AUX, RAX);
  pop(c, RDX);
  pop(c, RAX);
  move(f, dst, AUX);
}

function multiplySavingOthers(f: Fn, insn: Insn, w: boolean, dst: number, src: number): void {
  const { c } = f;
  if (dst !== RAX) push(c, RAX);
  if (dst !== RDX) push(c, RDX);
  move(f, AUX, dst);
  if (!isX(insn.code)) loadImm32(f, w, RAX, insn.imm);
  else if (w) move(f, RAX, src);
  else movRegReg(c, false, RAX, src);
  unary(c, MUL, w, AUX);
  if (dst !== RDX) pop(c, RDX);
  if (dst === RAX) return;
  move(f, dst, RAX);
  pop(c, RAX);
}
