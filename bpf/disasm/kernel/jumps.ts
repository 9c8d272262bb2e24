import type { Insn } from "../../insn.ts";
import {
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CALL,
  classOf,
  EXIT,
  isX,
  JA,
  JA32,
  JX,
  MAY_GOTO,
  opOf,
} from "../../opcode.ts";
import { jumpOperator } from "../../syntax.ts";
import { distanceText, registerText } from "../operands.ts";
import type { KernelNames } from "./names.ts";

/** JMP and JMP32 as the kernel prints them; see KernelNames. */
export function jumpText(insn: Insn, slot: number, names: KernelNames): string | undefined {
  const { code, dst, src, off, imm } = insn;
  switch (code) {
    case CALL:
      if (src === BPF_PSEUDO_CALL) return `call pc${distanceText(names.distance === "off" ? off : imm)}`;
      return `call ${names.call?.(slot) ?? (src === BPF_PSEUDO_KFUNC_CALL ? "kernel-function" : "unknown")}`;
    case EXIT:
      return "exit";
    case JA:
      return `goto pc${distanceText(off)}`;
    case JA32:
      return `gotol pc${distanceText(imm)}`;
    case JX:
      return `gotox r${dst}`;
    case MAY_GOTO:
      return `may_goto pc${distanceText(off)}`;
  }
  const operator = jumpOperator(opOf(code));
  if (operator === undefined) return undefined;
  const is32 = classOf(code) === BPF_JMP32;
  const operand = isX(code) ? registerText(src, is32) : `0x${(imm >>> 0).toString(16)}`;
  return `if ${registerText(dst, is32)} ${operator} ${operand} goto pc${distanceText(off)}`;
}
