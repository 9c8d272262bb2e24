import type { Insn } from "../insn.ts";
import {
  BPF_HELPER_CALL,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CALL,
  CALLX,
  classOf,
  EXIT,
  isX,
  JA,
  JA32,
  JX,
  MAY_GOTO,
  opOf,
  TAIL_CALL,
} from "../opcode.ts";
import { jumpOperator } from "../syntax.ts";
import { distanceText, registerText } from "./operands.ts";
import type { Symbols } from "./symbols.ts";

/** Text of a JMP or JMP32 instruction; undefined where it uses a reserved field or value. */
export function jumpText(insn: Insn, slot: number, symbols: Symbols): string | undefined {
  const { code, dst, src, off, imm } = insn;
  const target = (distance: number): string => symbols.labelAt(slot + 1 + distance) ?? distanceText(distance);
  const only = (fields: boolean, text: () => string): string | undefined => (fields ? text() : undefined);
  switch (code) {
    case JA:
      return only(dst === 0 && src === 0 && imm === 0, () => `goto ${target(off)}`);
    case JA32:
      return only(dst === 0 && src === 0 && off === 0, () => `gotol ${target(imm)}`);
    case MAY_GOTO:
      return only(dst === 0 && src === 0 && imm === 0, () => `may_goto ${target(off)}`);
    case JX:
      return only(src === 0 && off === 0 && imm === 0, () => `gotox r${dst}`);
    case CALLX:
      return only(src === 0 && off === 0 && imm === 0, () => `callx r${dst}`);
    case EXIT:
      return only(dst === 0 && src === 0 && off === 0 && imm === 0, () => "exit");
    case TAIL_CALL:
      return only(dst === 0 && src === 0 && off === 0 && imm >= 0, () =>
        imm ? `tail_call poke[${imm - 1}]` : "tail_call",
      );
    case CALL:
      return only(dst === 0, () => callText(insn, slot, symbols) ?? "") || undefined;
    default:
      return conditionText(insn, target(off));
  }
}

function callText({ src, off, imm }: Insn, slot: number, symbols: Symbols): string | undefined {
  const name = symbols.kernelFunctionAt(slot);
  if (src === BPF_HELPER_CALL) return off === 0 ? `call ${name ?? symbols.helper(imm) ?? imm}` : undefined;
  if (src === BPF_PSEUDO_CALL)
    return off === 0 ? `call ${symbols.callee(slot, imm) ?? `pc${distanceText(imm)}`}` : undefined;
  if (src !== BPF_PSEUDO_KFUNC_CALL) return undefined;
  if (name !== undefined) return `call kfunc ${name}`;
  return off === 0 ? `call kfunc ${imm}` : `call kfunc ${imm}, ${off}`;
}

function conditionText({ code, dst, src, imm }: Insn, target: string): string | undefined {
  const operator = jumpOperator(opOf(code));
  if (operator === undefined || (isX(code) ? imm !== 0 : src !== 0)) return undefined;
  const is32 = classOf(code) === BPF_JMP32;
  const operand = isX(code) ? registerText(src, is32) : `${imm}`;
  return `if ${registerText(dst, is32)} ${operator} ${operand} goto ${target}`;
}
