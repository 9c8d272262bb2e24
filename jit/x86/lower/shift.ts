import { BPF_LSH, BPF_RSH } from "../../../bpf/opcode.ts";
import { SAR, SHL, SHR, shiftCl, shiftImm, shiftX } from "../encode/alu.ts";
import { pop, push } from "../encode/control.ts";
import type { Fn } from "../fn.ts";
import { AUX, RCX } from "../regs.ts";
import { move } from "./move.ts";

const digitOf = (op: number): number => (op === BPF_LSH ? SHL : op === BPF_RSH ? SHR : SAR);

export function shiftByImm(f: Fn, op: number, w: boolean, dst: number, imm: number): void {
  shiftImm(f.c, digitOf(op), w, dst, imm, !f.profile.features.shiftByOne);
}

/** Shift by register: BMI2 where there is one and the count isn't in rcx already, else through cl. */
export function shiftByReg(f: Fn, op: number, w: boolean, dst: number, count: number): void {
  const { c } = f;
  const digit = digitOf(op);
  const { bmi2, shiftRcxLean } = f.profile.features;
  if (bmi2 && count !== RCX) return shiftX(c, digit, w, dst, count);

  const inAux = dst === RCX && (count !== RCX || !shiftRcxLean);
  const savesRcx = count !== RCX && !(shiftRcxLean && dst === RCX);
  if (inAux) move(f, AUX, dst);
  if (savesRcx) push(c, RCX);
  if (count !== RCX) move(f, RCX, count);
  shiftCl(c, digit, w, inAux ? AUX : dst);
  if (savesRcx) pop(c, RCX);
  if (inAux) move(f, dst, AUX);
}
