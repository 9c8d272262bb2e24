import { describe } from "vitest";
import * as move from "../../../../jit/x86/encode/move.ts";
import { INT32, NAMES, oneOf, REGISTER, reg, rexBytes, W } from "./operands.ts";
import { EncoderSpecs } from "./spec.ts";

const specs = new EncoderSpecs(move);
const spec = specs.spec.bind(specs);

describe("encode/move: iced-x86 reads what was asked for", () => {
  spec(
    move.movRegReg,
    "32 bits, too: that is how the upper half is cleared",
    [W, REGISTER, REGISTER],
    (w, dst, src) => ({
      emit: (c) => move.movRegReg(c, w, dst, src),
      text: `mov ${reg(dst, w)}, ${reg(src, w)}`,
      bytes: 2 + rexBytes(w, dst, src),
    }),
  );

  spec(move.movzx16, "in place", [REGISTER], (n) => ({
    emit: (c) => move.movzx16(c, n),
    text: `movzx ${reg(n, false)}, ${NAMES[16][n]}`,
    bytes: 3 + rexBytes(false, n),
  }));

  spec(
    move.movsx,
    "from 8 bits always with REX, without which sil would be dh",
    [oneOf(8, 16), W, REGISTER, REGISTER],
    (bits, w, dst, src) => ({
      emit: (c) => move.movsx(c, bits, w, dst, src),
      text: `movsx ${reg(dst, w)}, ${NAMES[bits][src]}`,
      bytes: 3 + (bits === 8 ? 1 : rexBytes(w, dst, src)),
    }),
  );

  spec(move.movsx, "from 32 bits", [REGISTER, REGISTER], (dst, src) => ({
    emit: (c) => move.movsx(c, 32, true, dst, src),
    text: `movsxd ${reg(dst)}, ${reg(src, false)}`,
    bytes: 3,
  }));

  spec(move.movRegImm32, "zero-extended", [REGISTER, INT32], (n, imm) => ({
    emit: (c) => move.movRegImm32(c, n, imm),
    text: `mov ${reg(n, false)}, ${imm}`,
    bytes: 5 + rexBytes(false, n),
  }));

  spec(move.movRegSimm32, "sign-extended", [REGISTER, INT32], (n, imm) => ({
    emit: (c) => move.movRegSimm32(c, n, imm),
    text: `mov ${reg(n)}, ${imm}`,
    bytes: 7,
  }));

  spec(move.movabs, "64 bits in two halves", [REGISTER, INT32, INT32], (n, low, high) => ({
    emit: (c) => move.movabs(c, n, low, high),
    text: `mov ${reg(n)}, ${(BigInt(high) << 32n) | BigInt(low >>> 0)}`,
    bytes: 10,
  }));

  specs.complete();
});
