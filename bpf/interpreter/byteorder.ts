import { BPF_ALU64, BPF_END, classOf, isX } from "../opcode.ts";
import { badOpcode } from "./fault.ts";
import type { Registers } from "./registers.ts";

const swap32 = (x: number): number => (x << 24) | ((x << 8) & 0xff0000) | ((x >>> 8) & 0xff00) | (x >>> 24);
const swap16 = (x: number): number => ((x << 8) & 0xff00) | ((x >>> 8) & 0xff);

/**
 * BPF_END: `bswap` swaps the low `bits`, and so does `be` on a little-endian machine and `le` on a big-endian one; all clear
 * the bits above (RFC 9669 section 4.2).
 */
export function byteOrder(regs: Registers, code: number, dst: number, bits: number, isLittle: boolean): void {
  const r = regs.half;
  const d = 2 * dst;
  const swaps = classOf(code) === BPF_ALU64 || isX(code) === isLittle;
  const lo = r[d];
  switch (bits) {
    case 16:
      r[d] = swaps ? swap16(lo) : lo & 0xffff;
      r[d + 1] = 0;
      break;
    case 32:
      if (swaps) r[d] = swap32(lo);
      r[d + 1] = 0;
      break;
    case 64:
      if (!swaps) break;
      r[d] = swap32(r[d + 1]);
      r[d + 1] = swap32(lo);
      break;
    default:
      throw badOpcode(BPF_END);
  }
}
