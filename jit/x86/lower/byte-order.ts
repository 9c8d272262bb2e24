import { bswap, ror16 } from "../encode/alu.ts";
import { movRegReg, movzx16 } from "../encode/move.ts";
import type { Fn } from "../fn.ts";

/** Swap the low `bits` of dst and clear what is above. */
export function byteSwap(f: Fn, bits: number, dst: number): void {
  if (bits === 16) {
    ror16(f.c, dst, 8); // 66 c1 c8+r 08
    movzx16(f.c, dst);
  } else bswap(f.c, bits === 64, dst);
}

/** To little endian on a little-endian CPU: only clear what is above `bits`. */
export function zeroExtend(f: Fn, bits: number, dst: number): void {
  if (bits === 16) movzx16(f.c, dst);
  else if (bits === 32) movRegReg(f.c, false, dst, dst);
}
