import { MAX_BPF_EXT_REG } from "../opcode.ts";

/**
 * The registers, once as 32-bit halves (R_n is half[2n], low, and half[2n + 1]), once as 64-bit numbers: arithmetic on
 * halves is several times faster than on bigints. Needs a little-endian host.
 */
export class Registers {
  readonly half: Int32Array;
  readonly signed: BigInt64Array;
  readonly unsigned: BigUint64Array;

  constructor() {
    const buffer = new ArrayBuffer(8 * (MAX_BPF_EXT_REG + 3)); // all that four bits can name
    this.half = new Int32Array(buffer);
    this.signed = new BigInt64Array(buffer);
    this.unsigned = new BigUint64Array(buffer);
  }
}
