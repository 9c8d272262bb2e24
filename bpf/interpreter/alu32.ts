import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from "../opcode.ts";
import { badOpcode } from "./fault.ts";

/**
 * Low half of the result of a class ALU operation but BPF_END; the upper half becomes 0 (RFC 9669 section 4.1,
 * kernel/bpf/core.c). `off` is 1 for signed division and the width of a sign-extending move.
 */
export function alu32(op: number, dst: number, src: number, off: number): number {
  switch (op) {
    case BPF_ADD:
      return (dst + src) | 0;
    case BPF_SUB:
      return (dst - src) | 0;
    case BPF_MUL:
      return Math.imul(dst, src);
    case BPF_DIV:
      return off === 1 ? sdiv32(dst, src) : div32(dst, src);
    case BPF_MOD:
      return off === 1 ? smod32(dst, src) : mod32(dst, src);
    case BPF_OR:
      return dst | src;
    case BPF_AND:
      return dst & src;
    case BPF_XOR:
      return dst ^ src;
    case BPF_LSH:
      return dst << src; // the count is masked to 5 bits, as BPF has it
    case BPF_RSH:
      return (dst >>> src) | 0;
    case BPF_ARSH:
      return dst >> src;
    case BPF_NEG:
      return -dst | 0;
    case BPF_MOV:
      return movsx32(src, off);
    default:
      throw badOpcode(op);
  }
}

/** Division by 0 gives 0, the remainder of it leaves the dividend. */
const div32 = (a: number, b: number): number => (b === 0 ? 0 : ((a >>> 0) / (b >>> 0)) | 0);
const mod32 = (a: number, b: number): number => (b === 0 ? a : ((a >>> 0) % (b >>> 0)) | 0);
/** Rounds to 0; INT_MIN / -1 is INT_MIN, and its remainder 0. */
const sdiv32 = (a: number, b: number): number => (b === 0 ? 0 : (a / b) | 0);
const smod32 = (a: number, b: number): number => (b === 0 ? a : (a % b) | 0);

/** `src` as it is, or its low `bits` sign-extended to 32. */
export function movsx32(src: number, bits: number): number {
  switch (bits) {
    case 0:
      return src;
    case 8:
      return (src << 24) >> 24;
    case 16:
      return (src << 16) >> 16;
    default:
      throw badOpcode(BPF_MOV);
  }
}
