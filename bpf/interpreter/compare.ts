import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
} from "../opcode.ts";
import { badOpcode } from "./fault.ts";

/** Whether a conditional jump of class JMP32 is taken (RFC 9669 section 4.3). Operands are signed 32-bit numbers. */
export function compare32(op: number, a: number, b: number): boolean {
  switch (op) {
    case BPF_JEQ:
      return a === b;
    case BPF_JNE:
      return a !== b;
    case BPF_JGT:
      return a >>> 0 > b >>> 0;
    case BPF_JGE:
      return a >>> 0 >= b >>> 0;
    case BPF_JLT:
      return a >>> 0 < b >>> 0;
    case BPF_JLE:
      return a >>> 0 <= b >>> 0;
    case BPF_JSGT:
      return a > b;
    case BPF_JSGE:
      return a >= b;
    case BPF_JSLT:
      return a < b;
    case BPF_JSLE:
      return a <= b;
    case BPF_JSET:
      return (a & b) !== 0;
    default:
      throw badOpcode(op);
  }
}

/** The same for class JMP. Where the upper halves differ they decide; otherwise the lower ones do, which have no sign. */
export function compare64(op: number, alo: number, ahi: number, blo: number, bhi: number): boolean {
  switch (op) {
    case BPF_JEQ:
      return alo === blo && ahi === bhi;
    case BPF_JNE:
      return alo !== blo || ahi !== bhi;
    case BPF_JSET:
      return (alo & blo) !== 0 || (ahi & bhi) !== 0;
    default:
      if (ahi !== bhi) return compare32(op, ahi, bhi);
      return compare32(unsignedOf(op), alo, blo);
  }
}

/** The comparison without sign that asks the same. */
function unsignedOf(op: number): number {
  switch (op) {
    case BPF_JSGT:
      return BPF_JGT;
    case BPF_JSGE:
      return BPF_JGE;
    case BPF_JSLT:
      return BPF_JLT;
    case BPF_JSLE:
      return BPF_JLE;
    default:
      return op;
  }
}
